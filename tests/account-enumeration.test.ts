import { askAnonymously, bytesOf } from './support/anonymous.ts'
import { freshDatabase } from './support/database.ts'
import type { DatabaseProxy } from './support/database-proxy.ts'
import { startDatabaseProxy } from './support/database-proxy.ts'
import type { Exchanged } from './support/exchange.ts'
import type { Person } from './support/fixtures.ts'
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
/** On the same database, where nobody has to verify an address and nothing is limited. */
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

const people: Readonly<Record<string, () => Promise<Person>>> = {
  nobody: async () => randomUser(),
  'a user': verified,
  'a disabled user': disabled,
  'a user whose address is not verified': () => givenUser(lenient),
  'a throttled user': async () => throttled(await verified()),
  'nobody, throttled': async () => throttled(randomUser()),
  'somebody who waits to be verified': () => waitingTimes(1),
  'somebody who waits five times': () => waitingTimes(5),
}

async function verified(): Promise<Person> {
  const user = await givenUser(lenient)
  const token = await givenVerificationToken(lenient, user)
  await lenient.send('POST', '/verify_email', { body: { token } })
  return user
}

async function disabled(): Promise<Person> {
  const user = await givenUser(lenient)
  await givenDisabled(lenient, user)
  return user
}

async function throttled(person: Person): Promise<Person> {
  for (let failure = 0; failure < 5; failure += 1) {
    await logIn(lenient, person.username, wrong)
    await logIn(lenient, person.email, wrong)
  }
  return person
}

async function waitingTimes(times: number): Promise<Person> {
  const person = randomUser()
  await withServer({ ...lenient.settings, EMAIL_VERIFICATION: 'required' }, async (strict) => {
    for (let attempt = 1; attempt < times; attempt += 1) {
      await givenRegistration(strict, { ...randomUser(), email: person.email })
    }
    await strict.send('POST', '/register_credentials', { body: person })
  })
  return person
}

const ask = (route: string, body: object, headers?: object) => askAnonymously(server, route, body, headers)

interface Told {
  readonly bytes: string
  readonly statements: number
}

/** What is told of each, and how much it asks of the database. */
async function tell(crowd: readonly Person[], about: (person: Person) => Promise<[Exchanged, string[]?]>) {
  const told: Told[] = []
  // A connection that was idle for long is closed, and what a new one is told would count for whoever asks first.
  await server.database.db.$queryRaw`SELECT 1`
  for (const person of crowd) {
    const before = proxy.executed()
    const [answer, words] = await about(person)
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

const everybody = async () => {
  const crowd: Person[] = []
  for (const make of Object.values(people)) crowd.push(await make())
  return crowd
}

const byName = ({ username, password }: Person) => ({ username, password })
const byAddress = ({ email, password }: Person) => ({ email, password })

describe('a login that fails', () => {
  it.each([
    ['POST /api/v1/auth/login_credentials', byName, {}],
    ['POST /api/v1/auth/login_credentials', ({ email, password }: Person) => ({ username: email, password }), {}],
    ['POST /api/v1/auth/login_credentials', byName, { 'Auth-Transport': 'cookie' }],
    ['POST /api/v1/auth/refresh_token', byName, {}],
    ['POST /api/auth/login/', byName, {}],
    ['POST /api/auth/login/', byAddress, {}],
    ['POST /api/login/', byName, {}],
    ['POST /api/v1/drf/auth/login/', byAddress, {}],
  ] as const)(
    'is answered with the same bytes after as many statements, whoever it was: %s',
    async (route, body, headers) => {
      const crowd = await everybody()
      const told = await tell(crowd, async (person) => [
        await ask(route, body({ ...person, password: wrong }), headers),
      ])
      expectAlike(told, 401)
    },
  )

  it.each([
    ['POST /api/v1/auth/login_credentials', byName],
    ['POST /api/auth/login/', byAddress],
    ['POST /api/login/', byName],
    ['POST /api/v1/drf/auth/login/', byAddress],
  ] as const)('says nothing of a right password to who is disabled or throttled: %s', async (route, body) => {
    const crowd = [await disabled(), await throttled(await verified()), randomUser()]
    expectAlike(await tell(crowd, async (person) => [await ask(route, body(person))]), 401)
  })
})

describe('asking for a mail', () => {
  it.each([
    'POST /api/v1/auth/forgot_password',
    'POST /api/v1/auth/resend_verification',
    'POST /api/auth/password-reset/',
    'POST /api/auth/password/reset/request/',
  ])('is answered with the same bytes after as many statements, now and when no more is sent: %s', async (route) => {
    const crowd = await everybody()
    const once = [...crowd, ...crowd]
    expectAlike(await tell(once, async ({ email }) => [await ask(route, { email })]), 200)
  })
})

describe('registering where verification is required', () => {
  const named = ({ username, email, password }: Person) => ({ username, email, password })

  it.each([
    ['POST /api/v1/auth/register_credentials', named],
    ['POST /api/auth/register/', named],
    ['POST /api/register/', named],
    [
      'POST /api/v1/drf/auth/register/',
      ({ email, password }: Person) => ({
        email,
        password,
        password_confirm: password,
        first_name: 'A',
        last_name: 'B',
      }),
    ],
  ] as const)(
    'is answered with the same bytes after as many statements, now and when no more is sent: %s',
    async (route, body) => {
      const crowd = await everybody()
      const told = await tell([...crowd, ...crowd], async ({ email }) => {
        const attempt = { ...randomUser(), email }
        return [await ask(route, body(attempt)), [email, attempt.username]]
      })
      expectAlike(told, 201)
    },
  )
})
