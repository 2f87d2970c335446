/** The password of all of them. */
export const seededPassword = 'walk the dog at noon'

const firstNames = ['Ada', 'Chinua', 'Dilnoza', 'Emre', 'Fatima', 'Grace', 'Hedy', 'Ivo', 'Juana', 'Kwame']
const lastNames = ['Adeyemi', 'Berger', 'Castillo', 'Dvořák', 'Eriksen', 'Farouk', 'Gupta', 'Haddad', 'Ito', 'Jansen']
const timezones = ['UTC', 'Europe/Berlin', 'America/Lima', 'Asia/Tokyo', 'Africa/Lagos']
const browsers = [
  'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Safari/605.1.15',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  'example-app/4.2 (Android 16)',
]

export interface SeededUser {
  readonly person: {
    readonly username: string
    readonly email: string
    readonly firstName: string
    readonly lastName: string
    readonly phoneNumber: string
    readonly timezone: string
  }
  /** Whether the link of the first mail is followed. */
  readonly verifies: boolean
  /** How many times the user logs in after registering: from where, and with which browser. */
  readonly logins: readonly { readonly ip: string; readonly userAgent: string }[]
  /** Whether a login with another password is refused. */
  readonly mistypes: boolean
  /** Whether a link to reset the password is asked for. */
  readonly forgets: boolean
}

/** A hundred users, the same ones each time. Addresses, networks and phone numbers are reserved for examples. */
export const seededUsers: readonly SeededUser[] = firstNames.flatMap((firstName, row) =>
  lastNames.map((lastName, column) => {
    const index = 10 * row + column
    const username = `${firstName}.${lastName}`
      .toLowerCase()
      .normalize('NFD')
      .replaceAll(/[^a-z.]/g, '')
    return {
      person: {
        username,
        email: `${username}@example.com`,
        firstName,
        lastName,
        phoneNumber: index % 3 === 0 ? `+44207946${String(index).padStart(4, '0')}` : '',
        timezone: timezones[index % timezones.length] ?? 'UTC',
      },
      verifies: index % 4 !== 3,
      logins: Array.from({ length: 1 + (index % 4) }, (_, turn) => ({
        ip: `203.0.113.${(index + 61 * turn) % 256}`,
        userAgent: browsers[(index + turn) % browsers.length] ?? '',
      })),
      mistypes: index % 10 === 4,
      forgets: index % 10 === 7,
    }
  }),
)
