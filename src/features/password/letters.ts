import { defineLetter } from '../mail/index.ts'

/** Brings the link that sets a new password. */
export const resetPassword = defineLetter<{ link: string }>({
  name: 'reset_password',
  staleAfterSeconds: 30 * 60,
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
