/** Providers that ignore dots before the @, as they document; `googlemail.com` is another name of `gmail.com`. */
const ignoringDots = ['gmail.com', 'googlemail.com']

/**
 * The mailbox that an address in lower case belongs to, for counting mails and nothing else: `ada+shop@` is `ada@`
 * (RFC 5233). Dots stay, except where the provider is known to ignore them: elsewhere they may tell two users apart.
 */
export function canonicalAddress(email: string): string {
  const at = email.lastIndexOf('@')
  const domain = email.slice(at + 1)
  const local = email.slice(0, at).replace(/(?<=.)\+.*/, '')
  return ignoringDots.includes(domain) ? `${local.replaceAll('.', '')}@gmail.com` : `${local}@${domain}`
}
