import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { hostName, refuse } from './parsers.ts'

/** A bare address, or a name with the address in angle brackets. */
export function mailbox(text: string): string {
  return /^([^<>\r\n"]{0,100}<[^\s<>@,;]+@[^\s<>@,;]+>|[^\s<>@,;]+@[^\s<>@,;]+)$/.test(text)
    ? text
    : refuse('must be an address such as auth@example.com or Example <auth@example.com>')
}

/** What can stand behind EHLO (RFC 5321, 4.1.1.1). */
export function domainName(text: string): string {
  return isIP(text) === 0 && text.includes('.')
    ? hostName(text)
    : refuse('must be a full name such as auth.example.com')
}

/** Certificates in PEM, one after the other. */
export function certificates(text: string): string {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  return blocks.length > 0 && blocks.every(isCertificate)
    ? blocks.join('\n')
    : refuse('must be certificates in PEM, which begin with -----BEGIN CERTIFICATE-----')
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).serialNumber !== ''
  } catch {
    return false
  }
}
