import { givenUser, randomUser } from '../../tests/support/fixtures.ts'
import type { Gateway } from '../../tests/support/gateway.ts'
import type { TestServer } from '../../tests/support/server.ts'
import { withServer } from '../../tests/support/server.ts'
import { startBehindGateway } from '../../tests/support/server-behind-gateway.ts'
import type { AuthState } from '../src/index.ts'
import { createAuthClient, ProblemError } from '../src/index.ts'

let server: TestServer
let gateway: Gateway
let close: () => Promise<void>
beforeAll(async () => {
  ;({ server, gateway, close } = await startBehindGateway())
})
afterAll(() => close())

const givenClient = () => createAuthClient({ baseUrl: `${gateway.origin}/`, transport: 'body' })

async function reasonOf(refused: Promise<unknown>): Promise<unknown> {
  const error = await refused.catch((reason: unknown) => reason)
  return error instanceof ProblemError ? { status: error.status, code: error.code } : error
}

it('registers, knows user and session, and logs out', async () => {
  const client = givenClient()
  const account = randomUser()
  const states: AuthState[] = []
  client.onChange((state) => states.push(state))

  expect(await client.register(account)).toMatchObject({ user: { username: account.username } })
  expect(await client.user()).toMatchObject({ email: account.email, email_verified: false })
  expect(await client.session()).toMatchObject({ current: true })
  await client.logOut()

  expect(await client.user()).toBeUndefined()
  expect(await client.session()).toBeUndefined()
  expect(states).toEqual([
    { status: 'in', user: expect.objectContaining({ username: account.username }), reason: undefined },
    { status: 'out', user: undefined, reason: undefined },
  ])
})

it('knows its server by an address in capitals too', async () => {
  const client = createAuthClient({ baseUrl: gateway.origin.toUpperCase(), transport: 'body' })
  await client.register(randomUser())
  await client.call('PATCH /profile', { body: { first_name: 'Ada' } })
  expect(await client.user()).toMatchObject({ first_name: 'Ada' })
})

it('ends the session at the server when it logs out', async () => {
  const client = givenClient()
  await client.register(randomUser())
  const session = await client.session()
  await client.logOut()
  const row = await server.database.db.session.findUniqueOrThrow({ where: { id: session?.id ?? '' } })
  expect(row.revokedReason).toBe('logout')
})

it('ends all sessions of the user when it logs out everywhere', async () => {
  const client = givenClient()
  const { user } = await client.register(randomUser())
  await client.logOut({ everywhere: true })
  const { db } = server.database
  const id = user?.id ?? 0
  const rows = await db.session.findMany({ where: { userId: id } })
  expect(rows.map(({ epoch }) => epoch)).toEqual([0])
  expect((await db.user.findUniqueOrThrow({ where: { id } })).sessionEpoch).toBe(1)
  expect(await client.user()).toBeUndefined()
})

it('stays logged in when a logout does not reach the server', async () => {
  const client = givenClient()
  await client.register(randomUser())
  gateway.disturb('POST /api/v1/auth/logout', { status: 503 })
  expect(await reasonOf(client.logOut())).toEqual({ status: 503, code: 'unexpected_answer' })
  expect(await client.user()).toBeDefined()
})

it('logs in with the right password only, and sends a wrong one once', async () => {
  const { username, password } = await givenUser(server)
  const client = givenClient()
  const before = gateway.requests.length
  expect(await reasonOf(client.logIn({ username, password: 'a wrong one' }))).toEqual({
    status: 401,
    code: 'credentials_invalid',
  })
  expect(gateway.requests.slice(before).map(({ line }) => line)).toEqual(['POST /api/v1/auth/login_credentials'])
  expect(await client.logIn({ username, password })).toMatchObject({ user: { username } })
})

it('tells a listener that comes later what is known, and none that has ended', async () => {
  const client = givenClient()
  const account = randomUser()
  await client.register(account)
  const told = await new Promise<AuthState>((resolve) => void client.onChange(resolve))
  expect(told).toMatchObject({ status: 'in', user: { username: account.username } })

  const states: AuthState[] = []
  client.onChange((state) => states.push(state))()
  await client.logOut()
  expect(states).toEqual([])
})

it('names the fields at fault', async () => {
  const refused = givenClient().register({ ...randomUser(), password: 'x7q!' })
  await expect(refused).rejects.toMatchObject({
    status: 400,
    code: 'invalid_request',
    errors: [{ pointer: '#/password', code: 'too_small' }],
  })
})

it('has a pending registration where addresses must be verified', async () => {
  await withServer({ EMAIL_VERIFICATION: 'required' }, async ({ url }) => {
    const client = createAuthClient({ baseUrl: url, transport: 'body' })
    const account = randomUser()
    expect(await client.register(account)).toMatchObject({ pending: { email: account.email } })
    expect(await client.user()).toBeUndefined()
    const { username, password } = account
    expect(await reasonOf(client.logIn({ username, password }))).toMatchObject({ code: 'email_not_verified' })
  })
})

it('answers a login with the step that the server asks for', async () => {
  let isAsked = false
  const answer = () => (isAsked ? { step: { name: 'shake_hands' } } : undefined)
  await withServer(
    {},
    async (other) => {
      const { username, password } = await givenUser(other)
      isAsked = true
      const client = createAuthClient({ baseUrl: other.url, transport: 'body' })
      expect(await client.logIn({ username, password })).toEqual({ step: { name: 'shake_hands' } })
    },
    { moreGates: [{ occasions: ['open'], answer }] },
  )
})

it('asks nothing of the server when there is no refresh token', async () => {
  const before = gateway.requests.length
  expect(await givenClient().user()).toBeUndefined()
  expect(gateway.requests.length).toBe(before)
})
