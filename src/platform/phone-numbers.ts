import { createRequire } from 'node:module'
import type { CountryCode } from 'libphonenumber-js/min'
import type { PhoneNumberParse, PhoneNumbers } from '../kernel/ports.ts'

const require = createRequire(import.meta.url)

/** Loaded on demand: it takes a tenth of a second and ten megabytes, and many servers never read a phone number. */
function library(): typeof import('libphonenumber-js/min') {
  return require('libphonenumber-js/min')
}

/** Whether numbers can be read as those of that country, an ISO 3166-1 code in capitals. */
export function isPhoneCountry(code: string): code is CountryCode {
  return library().isSupportedCountry(code)
}

/** Accepted as it is: numbering plans change faster than a list of them, and a program that writes this form knows what it says. */
const storedForm = /^\+[1-9]\d{6,14}(?:;ext=\d{1,20})?$/

/** Only lengths are checked, per country: which digits are in use, no list knows for long. */
export function createPhoneNumbers({ defaultCountry }: { defaultCountry: CountryCode | undefined }): PhoneNumbers {
  const options = { extract: false, ...(defaultCountry && { defaultCountry }) }

  return {
    read(text) {
      // The library knows neither "(+44) …", nor links but with "extract", which would take a number out of any text.
      const plain = plainText(text)
        .trim()
        .replace(/^(tel:)?[([]?\+/i, '+')
      if (storedForm.test(plain)) return { state: 'read', number: plain }
      const { parsePhoneNumber, validatePhoneNumberLength } = library()
      const problem = validatePhoneNumberLength(plain, options)
      if (problem !== undefined) return { state: stateOf(problem, plain) }
      // Of such a link (RFC 3966) the library checks one part and parses another, which it throws for.
      if (plain.includes(';phone-context=')) return { state: 'no_number' }
      const { number, ext } = parsePhoneNumber(plain, options)
      return { state: 'read', number: ext === undefined ? number : `${number};ext=${ext}` }
    },
  }
}

function stateOf(problem: string, plain: string): Exclude<PhoneNumberParse['state'], 'read'> {
  switch (problem) {
    case 'INVALID_COUNTRY':
      return plain.startsWith('+') ? 'country_unknown' : 'country_missing'
    case 'TOO_SHORT':
      return 'too_short'
    case 'TOO_LONG':
      return 'too_long'
    default:
      return 'no_number'
  }
}

/**
 * The text in ASCII as far as possible, without invisible characters: contacts applications put direction marks around
 * a number.
 */
function plainText(text: string): string {
  const narrow = text.replace(/[\uff01-\uff5e]/g, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0))
  return withAsciiDigits(narrow.replace(/\p{Cf}/gu, '').replace(/\s/g, ' '))
}

/** Unicode has decimal digits in runs of ten, from zero to nine. */
function withAsciiDigits(text: string): string {
  return text.replace(/\p{Nd}/gu, (digit) => {
    const code = digit.codePointAt(0) ?? 0
    let start = code
    while (/\p{Nd}/u.test(String.fromCodePoint(start - 1))) start -= 1
    return String((code - start) % 10)
  })
}
