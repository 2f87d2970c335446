import type { IssueCode } from '../../kernel/errors.ts'
import { invalidRequest } from '../../kernel/errors.ts'
import type { PhoneNumberParse, PhoneNumbers } from '../../kernel/ports.ts'

type Complaint = readonly [code: IssueCode, detail: string]

const complaints: Readonly<Record<Exclude<PhoneNumberParse['state'], 'read'>, Complaint>> = {
  no_number: ['invalid_format', 'must be a phone number such as +44 20 7946 0018'],
  country_missing: [
    'phone_country_missing',
    'must begin with + and the code of its country, such as +44 20 7946 0018 for a number in the United Kingdom',
  ],
  country_unknown: ['phone_country_unknown', 'begins with the code of no country'],
  too_short: ['phone_too_short', 'has too few digits for a number of its country'],
  too_long: ['phone_too_long', 'has too many digits for a number of its country'],
}

/** The number as it is stored; an empty text is none. Throws `invalid_request` about `phone_number` when it cannot be read. */
export function readPhoneNumber(phones: PhoneNumbers, typed: string): string {
  const parsed = typed === '' ? ({ state: 'read', number: '' } as const) : phones.read(typed)
  if (parsed.state === 'read') return parsed.number
  const [code, detail] = complaints[parsed.state]
  throw invalidRequest([{ path: ['phone_number'], code, detail }])
}
