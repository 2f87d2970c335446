import { z } from 'zod'
import { endpoint } from '../../http/contracts/endpoint.ts'
import type { Caller } from '../../kernel/caller.ts'
import { Detail } from '../../kernel/schemas.ts'
import { MailToken } from '../mail/index.ts'
import { PasswordText, passwordErrors } from '../password/index.ts'
import { gateErrors, refreshCookie, sessionTopic, TokenPair } from '../session/index.ts'
import { DeviceToken, deviceCookie, shareDevice } from '../throttle/index.ts'
import type { NewUser } from '../user/index.ts'
import { EmailAddress, Username, UserReply, userErrors } from '../user/index.ts'
import { authErrors } from './errors.ts'
import type { LoginService } from './log-in.ts'
import type { RegistrationService } from './registration.ts'
import { Credentials, LoggedIn, NewAccount, NewAccountLoggedIn, VerificationPending } from './schemas.ts'
import type { VerificationService } from './verification.ts'

interface Needs {
  readonly login: LoginService
  readonly registration: RegistrationService
  readonly verification: VerificationService
}

const registrationTopic = { name: 'Registration', description: 'Making an account and verifying its address.' }

const registrationOf = {
  access: 'public',
  limit: { class: 'costly', bucket: 'register' },
  status: 201,
  errors: [userErrors.username_taken, userErrors.email_taken, userErrors.username_is_address],
} as const

export const register = endpoint({
  ...registrationOf,
  input: NewAccountLoggedIn,
  name: 'register',
  topic: registrationTopic,
  description:
    'Makes an account, opens a session and mails a link that verifies the address. Where verification is required, neither exists before the link is followed, and an address that has an account gets the same answer: its owner gets a mail that says so.',
  route: 'POST /register_credentials',
  summary: 'Create an account and log in; where verification is required, the answer is the same for a known address',
  output: z.union([LoggedIn, VerificationPending]),
  errors: [...registrationOf.errors, ...gateErrors],
  handle: async ({ registration }: Needs, account, caller) => {
    const loggedIn = await registration.register(newUserOf(account), account.password, caller)
    return loggedIn ? shareDevice(loggedIn, account) : pendingReply(account)
  },
  cookies: {
    refresh: (result) => ('refresh_token' in result ? refreshCookie(result) : undefined),
    device: (result) => ('trusted_device' in result ? deviceCookie(result) : undefined),
  },
})

export const createAccount = endpoint({
  ...registrationOf,
  input: NewAccount,
  name: 'createAccount',
  topic: registrationTopic,
  description:
    'Makes an account and mails a link that verifies the address; opens no session. Where verification is required, there is no account before the link is followed, and an address that has an account gets the same answer: its owner gets a mail that says so.',
  summary:
    'Create an account without logging in; where verification is required, the answer is the same for a known address',
  output: z.union([UserReply, VerificationPending]),
  handle: async ({ registration }: Needs, account, caller) =>
    (await registration.createAccount(newUserOf(account), account.password, caller)) ?? pendingReply(account),
})

function newUserOf(account: z.output<typeof NewAccount>): NewUser {
  return {
    username: account.username,
    email: account.email,
    firstName: account.first_name ?? '',
    lastName: account.last_name ?? '',
    phoneNumber: account.phone_number ?? '',
    timezone: account.timezone ?? 'UTC',
  }
}

/** Only the fields that were sent: the answer must not reveal whether the address has an account. */
function pendingReply({ username, email, first_name = '', last_name = '' }: z.output<typeof NewAccount>) {
  return {
    detail: 'A mail with a link is on its way: follow it to finish the registration',
    username,
    email,
    first_name,
    last_name,
    verification_required: true as const,
  }
}

const passwordLogin = {
  access: 'public',
  trustsDevice: true,
  input: Credentials,
  status: 200,
  errors: [passwordErrors.credentials_invalid, ...gateErrors],
} as const

async function logInWith(login: LoginService, credentials: z.output<typeof Credentials>, caller: Caller) {
  const { username: identifier, password } = credentials
  return shareDevice(await login.logIn({ identifier, password }, caller), credentials)
}

export const logIn = endpoint({
  ...passwordLogin,
  name: 'logIn',
  topic: sessionTopic,
  description:
    'Opens a session and answers with its tokens. After five wrong passwords in a row the account is throttled, for longer each time; after a hundred, untrusted clients are refused until a reset, and the user is mailed. The answer does not say what was wrong. Beyond the most sessions that a user may have, the one that has been idle longest ends.',
  limit: 'costly',
  route: 'POST /login_credentials',
  summary: 'Log in with a username or an e-mail address, and a password',
  output: LoggedIn,
  handle: ({ login }: Needs, credentials, caller) => logInWith(login, credentials, caller),
  cookies: { refresh: (result) => refreshCookie(result), device: (result) => deviceCookie(result) },
})

export const issueRefreshToken = endpoint({
  ...passwordLogin,
  name: 'issueRefreshToken',
  topic: sessionTopic,
  description: 'Does what a login does, and answers with the tokens alone.',
  limit: 'costly',
  route: 'POST /refresh_token',
  summary: 'The token pair of a new session, for a username and a password',
  output: TokenPair.extend(DeviceToken),
  handle: ({ login }: Needs, credentials, caller) => logInWith(login, credentials, caller),
  cookies: { refresh: (result) => refreshCookie(result), device: (result) => deviceCookie(result) },
})

const verified = {
  status: 200,
  output: Detail,
  errors: [authErrors.verification_token_invalid, authErrors.password_required, authErrors.username_taken_meanwhile],
} as const

export const verifyEmail = endpoint({
  name: 'verifyEmail',
  topic: registrationTopic,
  description:
    'Marks the address of an account as verified. Of a pending registration, the token proves the mailbox only: the registration of that address with this password becomes the account, or the newest one with a new password. The token is spent; sending it again changes nothing. No session is opened and no mail is sent.',
  route: 'POST /verify_email',
  summary:
    'Verify an address with a mailed token; to complete a pending registration, also with its password or a new one',
  access: 'public',
  limit: { class: 'costly', bucket: 'verifyEmail' },
  input: z.strictObject({
    token: MailToken,
    password: PasswordText.optional(),
    new_password: PasswordText.optional(),
    username: Username.optional(),
  }),
  ...verified,
  errors: [
    ...verified.errors,
    authErrors.registration_password_wrong,
    authErrors.account_has_password,
    userErrors.username_is_address,
  ],
  handle: async ({ verification }: Needs, { token, password, new_password, username }, caller) => {
    await verification.verify({ token, password, newPassword: new_password, username }, caller)
    return { detail: 'The address is verified' }
  },
})

export const verifyEmailByLink = endpoint({
  name: 'verifyEmailByLink',
  topic: registrationTopic,
  description:
    'Marks the address of an account as verified, or makes the registration that the link was mailed for an account. The token is spent; sending it again changes nothing. No session is opened and no mail is sent.',
  summary: 'Verify an address with a mailed token alone',
  access: 'public',
  limit: { class: 'costly', bucket: 'verifyEmail' },
  input: z.strictObject({ token: MailToken }),
  ...verified,
  handle: async ({ verification }: Needs, { token }, caller) => {
    await verification.verifyByLink(token, caller)
    return { detail: 'The address is verified' }
  },
})

export const resendVerification = endpoint({
  name: 'resendVerification',
  topic: registrationTopic,
  description:
    'Mails a new link if an account or a registration of this address is not verified yet; the older link becomes void. The answer is the same for every address. One mail a minute and five an hour go to an address.',
  route: 'POST /resend_verification',
  summary: 'Mail a new verification link',
  access: 'public',
  limit: 'costly',
  input: z.strictObject({ email: EmailAddress }),
  status: 200,
  output: Detail,
  errors: [],
  handle: async ({ registration }: Needs, { email }, caller) => {
    await registration.resend(email, caller)
    return { detail: 'If this e-mail address waits to be verified, a mail with a new link is on its way' }
  },
})
