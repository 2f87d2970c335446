import {
  disabled,
  exhausted,
  expiredTokens,
  known,
  pending,
  throttled,
  throttledUnknown,
  unknown,
  unknownTokens,
  unverified,
  wrongPassword,
} from './fixtures.mjs'

const byName = ({ username }) => ({ username, password: wrongPassword })
const byAddress = ({ email }) => ({ username: email, password: wrongPassword })
const address = ({ email }) => ({ email })
const registration = ({ username, email }) => ({
  username: `n${username.slice(1)}`,
  email,
  password: 'correct horse battery',
})

const required = { EMAIL_VERIFICATION: 'required' }

/**
 * The measured requests: the names that are sent, how, and to a server with which settings. All classes of an endpoint
 * get the same answer, and none may differ in time from the reference, which is the class `unknown` unless another is named.
 */
export const endpoints = {
  login_credentials: {
    path: '/login_credentials',
    body: byName,
    classes: { unknown, known, disabled, unverified, throttled, 'throttled unknown': throttledUnknown },
  },
  forgot_password: {
    path: '/forgot_password',
    body: address,
    classes: {
      unknown,
      known,
      disabled,
      unverified,
      'exhausted unknown': exhausted(unknown, 'forgot_password'),
      'exhausted known': exhausted(known, 'forgot_password'),
    },
    references: { 'exhausted known': 'exhausted unknown' },
  },
  resend_verification: {
    path: '/resend_verification',
    body: address,
    classes: { unknown, known, disabled, unverified },
  },
  verify_email: {
    path: '/verify_email',
    body: ({ token }) => ({ token }),
    classes: {
      unknown: unknownTokens,
      expired: expiredTokens('verify_email'),
    },
  },
  'register_credentials, verification required': {
    path: '/register_credentials',
    settings: required,
    body: registration,
    classes: {
      unknown,
      known,
      disabled,
      pending: pending(),
      'exhausted unknown': pending(5, 60),
      'exhausted known': exhausted(known, 'address_in_use'),
    },
    references: { 'exhausted known': 'exhausted unknown' },
  },
  'resend_verification, verification required': {
    path: '/resend_verification',
    settings: required,
    body: address,
    classes: { unknown, known, disabled, unverified, pending: pending(), 'pending five times': pending(5) },
  },
  'login_credentials, verification required': {
    path: '/login_credentials',
    settings: required,
    body: byAddress,
    classes: { unknown, known, disabled, unverified, pending: pending() },
  },
}
