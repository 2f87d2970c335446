import { domainToASCII } from 'node:url'
import { z } from 'zod'
import type { IssueCode } from '../../kernel/errors.ts'
import { text } from '../../kernel/schemas.ts'

const longest = 254
const longestLocalPart = 64

/** A dot-atom in ASCII (RFC 5322, section 3.2.3); in JavaScript \w is ASCII. */
const localPart = /^[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*$/

/** Two labels or more of letters, digits and inner hyphens (RFC 1123, section 2.1). The last one is no number: that would be an IP address. */
const domainName = /^(?:[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?\.)+(?!\d+$)[a-z\d][a-z\d-]{0,61}[a-z\d]$/

/**
 * A text that IDNA may map to a domain name. No other ASCII is allowed, as domainToASCII() reads its text as a part of
 * a URL, escapes and ports included.
 */
const typedDomain = /^[a-z\d.\u0080-\u{10ffff}-]+$/iu

/** The address in the one spelling that stands for its mailbox, or what is wrong with it. */
function readAddress(typed: string): string | { readonly code: IssueCode; readonly message: string } {
  const at = typed.lastIndexOf('@')
  const [local, domain] = [typed.slice(0, Math.max(at, 0)), typed.slice(at + 1)]
  // The local part before it is folded, as letters beyond ASCII can become ASCII then; the domain as IDNA maps it (UTS #46).
  const ascii = typedDomain.test(domain) ? domainToASCII(domain) : ''
  if (!localPart.test(local) || !domainName.test(ascii)) {
    return { code: 'invalid_format', message: 'must be an e-mail address such as ada@example.com' }
  }
  if (local.length > longestLocalPart) return { code: 'invalid_value', message: 'at most 64 characters before the @' }
  const address = `${local.toLowerCase()}@${ascii}`
  return address.length <= longest
    ? address
    : { code: 'too_big', message: `at most ${longest} characters, with the domain in ASCII` }
}

/** At most 64 characters before the @ and 254 in all; in lower case, with the domain in ASCII. */
export const EmailAddress = text({ min: 1, max: longest })
  .meta({ format: 'email' })
  .transform((typed, context) => {
    const read = readAddress(typed)
    if (typeof read === 'string') return read
    const { code, message } = read
    context.addIssue({ code: 'custom', params: { code }, message })
    return z.NEVER
  })
