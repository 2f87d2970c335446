import { defineMailTemplate, worthSendingSeconds } from '../mail/index.ts'

/** Brings the link that sets a new password. */
export const resetPassword = defineMailTemplate<{ link: string }>({
  name: 'reset_password',
  staleAfterSeconds: worthSendingSeconds('reset_password'),
  write: ({ link }) => ({
    subject: 'Reset your password',
    paragraphs: [
      'A reset of your account’s password was requested, probably by you.',
      'The link works once and for 30 minutes. If it was not you, do nothing: your password stays as it is.',
    ],
    link: { label: 'Choose a new password', url: link },
  }),
})

/** Tells the user that the password is another one now. */
export const passwordChanged = defineMailTemplate<{ at: string; ip: string }>({
  name: 'password_changed',
  write: ({ at, ip }) => ({
    subject: 'Your password was changed',
    paragraphs: [
      `The password of your account was changed on ${at}, from ${ip}. Your other sessions have been ended.`,
      'If it was not you, reset your password at once: ask for a reset link on the login page.',
    ],
  }),
})

/** Tells the user that the right password is accepted from trusted devices only, after so many wrong ones. */
export const untrustedDevicesRefused = defineMailTemplate<{ at: string; ip: string; failures: number }>({
  name: 'password_disabled',
  write: ({ at, ip, failures }) => ({
    subject: 'Logging in from new devices was switched off',
    paragraphs: [
      `A wrong password was entered for your account ${failures} times in a row; the last attempt came on ${at}, from ${ip}.`,
      'To stop the guessing, your password is now accepted only where we know you: where you are logged in, and in browsers and applications in which you logged in before.',
      'To log in anywhere else, reset your password: ask for a reset link on the login page.',
    ],
  }),
})
