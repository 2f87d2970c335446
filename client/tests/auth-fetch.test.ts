import type { User } from '../../tests/support/fixtures.ts'
import { givenUser, randomUser } from '../../tests/support/fixtures.ts'
import type { Gateway } from '../../tests/support/gateway.ts'
import { openGateway } from '../../tests/support/gateway.ts'
import type { TestServer } from '../../tests/support/server.ts'
import { startBehindGateway } from '../../tests/support/server-behind-gateway.ts'
import type { AuthClient, AuthClientOptions, Step } from '../src/index.ts'
import { createAuthClient } from '../src/index.ts'

let server: TestServer
let gateway: Gateway
let close: () => Promise<void>
beforeAll(async () => {
  ;({ server, gateway, close } = await startBehindGateway())
})
afterAll(() => close())

async function givenClient(options: Partial<AuthClientOptions> = {}): Promise<{ client: AuthClient; user: User }> {
  const user = await givenUser(server)
  const client = createAuthClient({ baseUrl: gateway.origin, transport: 'body', ...options })
  await client.logIn({ username: user.username, password: user.password })
  return { client, user }
}

const linesSince = (start: number) => gateway.requests.slice(start).map(({ line }) => line)
const refresh = 'POST /api/v1/auth/access_token'

it('refreshes once for many calls whose access token is refused, and repeats each with its body', async () => {
  const { client, user } = await givenClient()
  server.pass('16m')
  const before = gateway.refreshes()
  const names = await Promise.all(
    ['Ada', 'Grace', 'Mary'].map((first_name) => client.call('PATCH /profile', { body: { first_name } })),
  )
  expect(names.map(({ first_name }) => first_name)).toEqual(['Ada', 'Grace', 'Mary'])
  expect(gateway.refreshes() - before).toBe(1)
  expect(await client.user()).toMatchObject({ username: user.username })
})

it('goes on with the tokens that a change of the password brings', async () => {
  const { client, user } = await givenClient()
  const body = { current_password: user.password, new_password: 'a better horse battery' }
  await client.call('POST /change_password', { body })
  server.pass('16m')
  expect(await client.session()).toMatchObject({ current: true })
})

it('tells listeners of a changed profile', async () => {
  const { client } = await givenClient()
  const names: (string | undefined)[] = []
  client.onChange(({ user }) => names.push(user?.first_name))
  await client.call('PATCH /profile', { body: { first_name: 'Ada' } })
  await client.call('GET /profile')
  expect(names).toEqual(['', 'Ada'])
})

it('answers with a success of the API that has no body', async () => {
  const { client } = await givenClient()
  const { status } = await client.fetch(`${gateway.origin}/api/v1/auth/session`, { method: 'HEAD' })
  expect(status).toBe(200)
})

it('fills in the path and the query of an operation', async () => {
  const { client, user } = await givenClient()
  const { sessions, total } = await client.call('GET /sessions', { query: { limit: 1 } })
  expect({ listed: sessions.length, total }).toEqual({ listed: 1, total: 2 })
  const own = await client.session()
  await client.call('DELETE /sessions/{id}', { path: { id: own?.id ?? '' } })
  expect(await client.session().catch(() => 'refused')).toBe('refused')
  expect(await client.user()).toBeUndefined()
  expect(user.username).toBeDefined()
})

describe('a step that an answer asks for', () => {
  it('is taken once for several requests, which are then repeated', async () => {
    const steps: Step[] = []
    const { client, user } = await givenClient({
      onStep: async (step) => {
        steps.push(step)
        await client.call('POST /reauthenticate', { body: { password: user.password } })
      },
    })
    server.pass('11m')
    const renamed = randomUser().username
    const [profile, list] = await Promise.all([
      client.call('PATCH /profile', { body: { username: renamed } }),
      client.call('PATCH /profile', { body: { username: renamed } }),
    ])
    expect([profile.username, list.username]).toEqual([renamed, renamed])
    expect(steps).toEqual([{ name: 'reauthenticate', max_age: 600 }])
  })

  it.each([
    ['the user does not take it', { onStep: async () => false }],
    ['no handler is there', {}],
  ])('leaves the refusal as it is where %s', async (_, options) => {
    const { client } = await givenClient(options)
    server.pass('11m')
    const before = gateway.requests.length
    await expect(client.logOut({ everywhere: true })).rejects.toMatchObject({
      code: 'step_required',
      step: { name: 'reauthenticate' },
    })
    expect(linesSince(before)).toEqual(['POST /api/v1/auth/logout_all'])
    expect(await client.user()).toBeDefined()
  })
})

it('shows the access token to the origins that are named, and to no other', async () => {
  const elsewhere = await openGateway(server.url)
  const seen = () => elsewhere.requests.at(-1)?.headers.authorization
  const { client } = await givenClient()
  await client.fetch(`${elsewhere.origin}/healthz`)
  expect(seen()).toBeUndefined()
  const { client: trusting } = await givenClient({ origins: [elsewhere.origin] })
  await trusting.fetch(`${elsewhere.origin}/healthz`)
  expect(seen()).toMatch(/^Bearer /)
  await elsewhere.close()
})

it('stops to wait for a token when the request is aborted, and refreshes all the same', async () => {
  const { client } = await givenClient()
  server.pass('16m')
  let letGo: () => void = () => undefined
  const heldUntil = new Promise<void>((resolve) => {
    letGo = resolve
  })
  gateway.disturb(refresh, { heldUntil })
  const before = gateway.refreshes()
  const request = new AbortController()
  const call = client.fetch(`${gateway.origin}/api/v1/auth/session`, { signal: request.signal })
  while (gateway.refreshes() === before) await new Promise((resolve) => setImmediate(resolve))
  request.abort(new Error('no longer needed'))
  await expect(call).rejects.toThrow('no longer needed')
  expect(gateway.refreshes() - before).toBe(1)
  letGo()
  expect(await client.session()).toBeDefined()
  expect(gateway.refreshes() - before).toBe(1)
})
