import type { Json, NamedSchemas } from './schemas.ts'

/** A plausible value for a field of this name. */
const byName: Readonly<Record<string, unknown>> = {
  username: 'ada',
  email: 'ada@example.com',
  first_name: 'Ada',
  last_name: 'Lovelace',
  full_name: 'Ada Lovelace',
  display_name: 'Ada Lovelace',
  phone_number: '+442079460018',
  timezone: 'Europe/London',
  account_status: 'active',
  password: 'correct horse battery',
  password2: 'correct horse battery',
  password_confirm: 'correct horse battery',
  password1: 'correct horse battery',
  re_password: 'correct horse battery',
  current_password: 'correct horse battery',
  old_password: 'correct horse battery',
  new_password: 'another horse battery',
  new_password_confirm: 'another horse battery',
  new_password1: 'another horse battery',
  new_password2: 'another horse battery',
  re_new_password: 'another horse battery',
  token: 'kq3Zl0mT9pXw2Yb7Rf4Hc8Nd1Vs6Gj5Ae0Ui3Ok2LxM',
  key: 'kq3Zl0mT9pXw2Yb7Rf4Hc8Nd1Vs6Gj5Ae0Ui3Ok2LxM',
  uidb64: 'MQ',
  uid: 'MQ',
  access_token: 'eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.…',
  refresh_token: 'eyJhbGciOiJIUzI1NiIsInR5cCI6InJ0K2p3dCJ9.…',
  access: 'eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.…',
  refresh: 'eyJhbGciOiJIUzI1NiIsInR5cCI6InJ0K2p3dCJ9.…',
  device_token: '42.1.9QeN3yD8cVxZ5b1KfTgU0A.1798761600.aR8…',
  expires_in: 900,
  refresh_expires_in: 604_800,
  sessions_ended: 2,
  limit: 20,
  cursor: '',
  next_cursor: '0b7f1d5e-3c1c-4d55-9a43-0d6f3e1a2b4c',
  total: 21,
  iat: 1_798_761_600,
  exp: 1_798_762_500,
  ip: '203.0.113.7',
  user_agent: 'Mozilla/5.0',
  last_ip: '198.51.100.7',
  last_user_agent: 'Mozilla/5.0',
  detail: 'A sentence that tells what happened',
  message: 'A sentence that tells what happened',
}

const byFormat: Readonly<Record<string, string>> = {
  uuid: '0b7f1d5e-3c1c-4d55-9a43-0d6f3e1a2b4c',
  'date-time': '2027-01-01T00:00:00.000Z',
}

/** A value that the schema takes. Of alternatives it is the first. */
export function exampleOf(schema: Json, schemas: NamedSchemas, name = ''): unknown {
  const { type, const: constant, enum: words, properties, items, anyOf, format } = schemas.resolve(schema)
  if (constant !== undefined) return constant
  if (Array.isArray(anyOf)) return exampleOf(anyOf[0], schemas, name)
  switch (type) {
    case 'object':
      return Object.fromEntries(
        Object.entries((properties ?? {}) as Record<string, Json>).map(([key, value]) => [
          key,
          exampleOf(value, schemas, key),
        ]),
      )
    case 'array':
      return [exampleOf((items ?? {}) as Json, schemas, name)]
    case 'boolean':
      return true
    case 'integer':
      return byName[name] ?? 1
    default:
      return Array.isArray(words) ? words[0] : (byFormat[String(format)] ?? byName[name] ?? 'text')
  }
}
