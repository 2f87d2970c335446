import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { isHostName, settingType } from '../../kernel/setting-types.ts'

/** A bare address, or a name with the address in angle brackets. */
export const mailbox = settingType('an address such as auth@example.com or Example <auth@example.com>', (text) =>
  /^([^<>\r\n"]{0,100}<[^\s<>@,;]+@[^\s<>@,;]+>|[^\s<>@,;]+@[^\s<>@,;]+)$/.test(text) ? text : undefined,
)

/** A name that can follow EHLO (RFC 5321, section 4.1.1.1). */
export const domainName = settingType('a full name such as auth.example.com', (text) =>
  isIP(text) === 0 && text.includes('.') && isHostName(text) ? text : undefined,
)

/** Certificates in PEM, one after the other. */
export const certificates = settingType('certificates in PEM, which begin with -----BEGIN CERTIFICATE-----', (text) => {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  return blocks.length > 0 && blocks.every(isCertificate) ? blocks.join('\n') : undefined
})

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).serialNumber !== ''
  } catch {
    return false
  }
}

/** A path that holds `{token}` and, of other placeholders, only these. */
export function linkPath(...others: string[]) {
  const placeholders = ['token', ...others]
  const names = placeholders.map((name) => `{${name}}`).join(', ')
  return settingType(`a path that begins with / and holds {token}; placeholders: ${names}`, (text) => {
    const areKnown = [...text.matchAll(/\{([^}]*)/g)].every(([, name]) => placeholders.includes(name ?? ''))
    return /^\/(?!\/)\S*$/.test(text) && text.includes('{token}') && areKnown ? text : undefined
  })
}
