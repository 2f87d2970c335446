import { askAnonymously, bytesOf } from './support/anonymous.ts'
import { freshDatabase } from './support/database.ts'
import type { DatabaseProxy } from './support/database-proxy.ts'
import { startDatabaseProxy } from './support/database-proxy.ts'
import type { Exchanged } from './support/exchange.ts'
import type { Credentials } from './support/fixtures.ts'
import {
  givenDisabled,
  givenRegistration,
  givenUser,
  givenVerificationToken,
  logIn,
  randomUser,
} from './support/fixtures.ts'
import type { TestServer } from './support/server.ts'
import { startServer, withServer } from './support/server.ts'

let server: TestServer
/** A server on the same database that requires no verified addresses and limits nothing. */
let lenient: TestServer
let proxy: DatabaseProxy
beforeAll(async () => {
  proxy = await startDatabaseProxy(await freshDatabase())
  lenient = await startServer({ DATABASE_URL: proxy.url })
  const settings = { EMAIL_VERIFICATION: 'required', RATE_LIMITS: 'on', TRUST_PROXY: '1' }
  server = await startServer({ ...lenient.settings, ...settings })
})
afterAll(async () => {
  await lenient.close()
  await server.close()
  await proxy.cut()
})

const wrong = 'correct horse batterx'

const cases: Readonly<Record<string, () => Promise<Credentials>>> = {
  unregistered: async () => randomUser(),
  'a user': verified,
  'a disabled user': disabled,
  'a user whose address is not verified': () => givenUser(lenient),
  'a throttled user': async () => throttled(await verified()),
  'unregistered, throttled': async () => throttled(randomUser()),
  'pending registration': () => pendingTimes(1),
  'five pending registrations': () => pendingTimes(5),
}

async function verified(): Promise<Credentials> {
  const user = await givenUser(lenient)
  const token = await givenVerificationToken(lenient, user)
  await lenient.send('POST', '/verify_email', { body: { token } })
  return user
}

async function disabled(): Promise<Credentials> {
  const user = await givenUser(lenient)
  await givenDisabled(lenient, user)
  return user
}

async function throttled(credentials: Credentials): Promise<Credentials> {
  for (let failure = 0; failure < 5; failure += 1) {
    await logIn(lenient, credentials.username, wrong)
    await logIn(lenient, credentials.email, wrong)
  }
  return credentials
}

async function pendingTimes(times: number): Promise<Credentials> {
  const credentials = randomUser()
  await withServer({ ...lenient.settings, EMAIL_VERIFICATION: 'required' }, async (strict) => {
    for (let attempt = 1; attempt < times; attempt += 1) {
      await givenRegistration(strict, { ...randomUser(), email: credentials.email })
    }
    await strict.send('POST', '/register_credentials', { body: credentials })
  })
  return credentials
}

const ask = (route: string, body: object, headers?: object) => askAnonymously(server, route, body, headers)

interface Told {
  readonly bytes: string
  readonly statements: number
}

/** Each answer, and the number of database statements that it took. */
async function tell(
  accounts: readonly Credentials[],
  about: (credentials: Credentials) => Promise<[Exchanged, string[]?]>,
) {
  const told: Told[] = []
  // Opens the pooled connection first: its set-up statements would count for the first account.
  await server.database.db.$queryRaw`SELECT 1`
  for (const credentials of accounts) {
    const before = proxy.executed()
    const [answer, words] = await about(credentials)
    told.push({ bytes: bytesOf(answer, words), statements: proxy.executed() - before })
  }
  return told
}

function expectAlike(told: readonly Told[], status: number): void {
  const [first] = told
  expect(first?.bytes).toMatch(`[${status},`)
  expect(first?.statements).toBeGreaterThan(0)
  expect(told).toEqual(told.map(() => first))
}

const allAccounts = async () => {
  const accounts: Credentials[] = []
  for (const make of Object.values(cases)) accounts.push(await make())
  return accounts
}

const byName = ({ username, password }: Credentials) => ({ username, password })
const byAddress = ({ email, password }: Credentials) => ({ email, password })

describe('a login that fails', () => {
  it.each([
    ['POST /api/v1/auth/login_credentials', byName, {}],
    ['POST /api/v1/auth/login_credentials', ({ email, password }: Credentials) => ({ username: email, password }), {}],
    ['POST /api/v1/auth/login_credentials', byName, { 'Auth-Transport': 'cookie' }],
    ['POST /api/v1/auth/refresh_token', byName, {}],
    ['POST /api/auth/login/', byName, {}],
    ['POST /api/auth/login/', byAddress, {}],
    ['POST /api/login/', byName, {}],
    ['POST /api/v1/drf/auth/login/', byAddress, {}],
  ] as const)(
    'is answered with the same bytes after as many statements for every account: %s',
    async (route, body, headers) => {
      const accounts = await allAccounts()
      const told = await tell(accounts, async (credentials) => [
        await ask(route, body({ ...credentials, password: wrong }), headers),
      ])
      expectAlike(told, 401)
    },
  )

  it.each([
    ['POST /api/v1/auth/login_credentials', byName],
    ['POST /api/auth/login/', byAddress],
    ['POST /api/login/', byName],
    ['POST /api/v1/drf/auth/login/', byAddress],
  ] as const)('does not reveal a right password to a user who is disabled or throttled: %s', async (route, body) => {
    const accounts = [await disabled(), await throttled(await verified()), randomUser()]
    expectAlike(await tell(accounts, async (credentials) => [await ask(route, body(credentials))]), 401)
  })
})

describe('asking for a mail', () => {
  it.each([
    'POST /api/v1/auth/forgot_password',
    'POST /api/v1/auth/resend_verification',
    'POST /api/auth/password-reset/',
    'POST /api/auth/password/reset/request/',
  ])(
    'is answered with the same bytes after as many statements, also once no more mails are sent: %s',
    async (route) => {
      const accounts = await allAccounts()
      const once = [...accounts, ...accounts]
      expectAlike(await tell(once, async ({ email }) => [await ask(route, { email })]), 200)
    },
  )
})

describe('registering where verification is required', () => {
  const named = ({ username, email, password }: Credentials) => ({ username, email, password })

  it.each([
    ['POST /api/v1/auth/register_credentials', named],
    ['POST /api/auth/register/', named],
    ['POST /api/register/', named],
    [
      'POST /api/v1/drf/auth/register/',
      ({ email, password }: Credentials) => ({
        email,
        password,
        password_confirm: password,
        first_name: 'A',
        last_name: 'B',
      }),
    ],
  ] as const)(
    'is answered with the same bytes after as many statements, also once no more mails are sent: %s',
    async (route, body) => {
      const accounts = await allAccounts()
      const told = await tell([...accounts, ...accounts], async ({ email }) => {
        const attempt = { ...randomUser(), email }
        return [await ask(route, body(attempt)), [email, attempt.username]]
      })
      expectAlike(told, 201)
    },
  )
})
