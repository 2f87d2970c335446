import { isIP } from 'node:net'
import type { SmtpSettings } from '../../kernel/ports.ts'
import type { SettingValues } from '../../kernel/setting.ts'
import { setting, settingGroup } from '../../kernel/setting.ts'
import { anyText, hostName, integer, onOff } from '../../kernel/setting-types.ts'
import { certificates, domainName, linkPath, mailbox } from './setting-types.ts'

export const mailSettings = settingGroup('Mail', {
  host: setting('EMAIL_HOST', {
    type: hostName,
    absent: 'mails are shown at `/mailbox`, to programs on this machine only',
    meaning: 'the mail server',
    neededInProduction: true,
  }),
  port: setting('EMAIL_PORT', {
    type: integer(1, 65_535),
    absent: '587, or 465 with `EMAIL_USE_SSL`',
    meaning: 'the port of the mail server',
  }),
  useTls: setting('EMAIL_USE_TLS', {
    type: onOff,
    default: 'on',
    meaning:
      'whether the connection must be encrypted. In production it must be on when a password is sent to another machine',
  }),
  useSsl: setting('EMAIL_USE_SSL', {
    type: onOff,
    absent: '`on` at port 465, otherwise `off`',
    meaning: 'whether the connection is encrypted from the first byte, in place of STARTTLS',
  }),
  ca: setting('EMAIL_CA', {
    type: certificates,
    absent: 'the authorities that Node brings',
    file: true,
    meaning: 'the certificates of the authorities that the mail server must be certified by',
  }),
  ehloName: setting('EMAIL_EHLO_NAME', {
    type: domainName,
    absent: 'the host of `PUBLIC_URL`, if that is a full name',
    meaning: 'the name by which this machine introduces itself to the mail server (EHLO)',
  }),
  user: setting('EMAIL_HOST_USER', {
    type: anyText,
    absent: 'none',
    meaning: 'the name to log in to the mail server with',
  }),
  password: setting('EMAIL_HOST_PASSWORD', {
    type: anyText,
    absent: 'none',
    secret: true,
    meaning: 'the password to log in to the mail server with',
  }),
  from: setting('DEFAULT_FROM_EMAIL', {
    type: mailbox,
    default: 'auth@localhost',
    meaning: 'the sender of mails',
    neededInProduction: true,
  }),
})

/** Where the links in mails lead, below FRONTEND_URL. */
export const linkSettings = settingGroup('Links in mails', {
  verifyEmailPath: setting('VERIFY_EMAIL_PATH', {
    type: linkPath(),
    default: '/verify-email#token={token}',
    meaning: 'the path below `FRONTEND_URL` of the page that verifies an address',
  }),
  resetPasswordPath: setting('RESET_PASSWORD_PATH', {
    type: linkPath('uid'),
    default: '/reset-password#token={token}',
    meaning: 'the path below `FRONTEND_URL` of the page that resets a password',
  }),
  restAuth: {
    verifyEmailPath: setting('REST_AUTH_VERIFY_EMAIL_PATH', {
      type: linkPath(),
      absent: 'a page of this server',
      meaning: 'the path below `FRONTEND_URL` of the page that verifies an address, in mails of `rest-auth`',
    }),
    resetPasswordPath: setting('REST_AUTH_RESET_PASSWORD_PATH', {
      type: linkPath('uid'),
      default: '/reset-password#uid={uid}&token={token}',
      meaning:
        'the path below `FRONTEND_URL` of the page that resets a password, in mails of `rest-auth`. It counts once `FRONTEND_URL` is set',
    }),
  },
})

const submission = 587
/** TLS from the first byte (RFC 8314). */
const submissions = 465

/** The mail server; undefined: mails go to the development mailbox. */
export function smtpOf(
  values: SettingValues<typeof mailSettings.settings>,
  publicUrl: string,
): SmtpSettings | undefined {
  const { host, useTls, ca, ehloName, user, password } = values
  if (host === undefined) return undefined
  const port = values.port ?? (values.useSsl ? submissions : submission)
  const useSsl = values.useSsl ?? port === submissions
  return { host, port, useSsl, useTls, ca, ehloName: ehloName ?? fullNameIn(publicUrl), user, password }
}

/** The name of a container has no dot, and servers refuse such names and the address that would take their place. */
function fullNameIn(publicUrl: string): string | undefined {
  const { hostname } = new URL(publicUrl)
  return hostname.includes('.') && isIP(hostname) === 0 ? hostname : undefined
}
