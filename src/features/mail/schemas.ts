import { text } from '../../kernel/schemas.ts'

/** A single-use token as it comes back from a mail. */
export const MailToken = text({ min: 1, max: 512 })
