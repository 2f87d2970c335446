/** The fields of nodemailer's error for a failed delivery. */
export interface SmtpFailure {
  /** The command that failed. */
  readonly command?: string
  /** The server's reply, with its code. */
  readonly response?: string
}

/**
 * Enhanced status codes (RFC 3463, RFC 7505) that tell of a bad address: no such mailbox, no such domain, bad syntax, moved
 * without a new address, a domain that takes no mail. Others of their class tell of the sender (5.1.7, 5.1.8) or of nothing in
 * particular (5.1.0), and 5.2.1 is what Exchange says of mails that a filter dislikes.
 */
const badAddress = ['5.1.1', '5.1.2', '5.1.3', '5.1.6', '5.1.10']

/**
 * Without an enhanced code, 550 and its neighbours also mean faults that the operator has to repair: relaying, logins,
 * senders, block lists.
 */
const isAboutUs = /relay|rcpthosts|auth|sender|permitted|denied|policy|spam|block|listed|reputation/i

/** Whether a mail server's reply says that the recipient's address is wrong, so that the same would fail for ever. */
export function refusesRecipient({ command, response = '' }: SmtpFailure): boolean {
  if (command !== 'RCPT TO' && command !== 'DATA') return false
  const [, leading, trailing] =
    /^5\d\d[ -](?:(5\.\d{1,3}\.\d{1,3})\b(?!\.\d)|.*\(#(5\.\d{1,3}\.\d{1,3})\))/s.exec(response) ?? []
  const enhanced = leading ?? trailing
  if (enhanced !== undefined) return badAddress.includes(enhanced)
  return command === 'RCPT TO' && /^55[013]\b/.test(response) && !isAboutUs.test(response)
}

/** Whether the mail server took the recipient, and then refused for good what was in the mail. */
export function refusesContents({ command, response = '' }: SmtpFailure): boolean {
  return command === 'DATA' && response.startsWith('5')
}
