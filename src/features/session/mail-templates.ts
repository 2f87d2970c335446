import { defineMailTemplate } from '../mail/index.ts'

/** Tells the user that a token that had been replaced came back. */
export const sessionCopied = defineMailTemplate<{ at: string; ip: string }>({
  name: 'session_copied',
  write: ({ at, ip }) => ({
    subject: 'We ended one of your sessions',
    paragraphs: [
      'A session of your account was used from two places, as happens when it is copied. We have ended it.',
      `This was noticed on ${at}, with a request from ${ip}.`,
      'Log in again to go on. If you do not know what happened, change your password: that ends every other session.',
    ],
  }),
})
