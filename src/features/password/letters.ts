import { defineLetter, mailTokenLifetimes } from '../mail/index.ts'

/** Brings the link that sets a new password. */
export const resetPassword = defineLetter<{ link: string }>({
  name: 'reset_password',
  staleAfterSeconds: mailTokenLifetimes.reset_password,
  write: ({ link }) => ({
    subject: 'Reset your password',
    paragraphs: [
      'Somebody, probably you, asked to reset the password of your account.',
      'The link works once and for 30 minutes. If it was not you, do nothing: your password stays as it is.',
    ],
    link: { label: 'Choose a new password', url: link },
  }),
})

/** Tells the user that the password is another one now. */
export const passwordChanged = defineLetter<{ at: string; ip: string }>({
  name: 'password_changed',
  write: ({ at, ip }) => ({
    subject: 'Your password was changed',
    paragraphs: [
      `The password of your account was changed at ${at}, from ${ip}. Your other sessions have been ended.`,
      'If it was not you, reset your password at once: ask for a reset link on the login page.',
    ],
  }),
})

/** Tells the user that so many wrong passwords came in a row that the right one is not taken any more. */
export const passwordDisabled = defineLetter<{ at: string; ip: string; failures: number }>({
  name: 'password_disabled',
  write: ({ at, ip, failures }) => ({
    subject: 'Your password was switched off',
    paragraphs: [
      `Somebody entered a wrong password for your account ${failures} times in a row; the last came at ${at}, from ${ip}.`,
      'To keep whoever that is out, your password is not accepted any more. Devices on which you are logged in stay so.',
      'To log in again, choose a new password: ask for a reset link on the login page.',
    ],
  }),
})
