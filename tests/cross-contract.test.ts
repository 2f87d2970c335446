import { times } from './support/answers.ts'
import { usualBudget } from './support/budgets.ts'
import type { Client } from './support/clients.ts'
import { clients, tokenIn } from './support/clients.ts'
import type { Exchanged } from './support/exchange.ts'
import type { Credentials } from './support/fixtures.ts'
import { countSessions, givenLink, randomUser } from './support/fixtures.ts'
import { call, givenVerified } from './support/foreign.ts'
import type { TestServer } from './support/server.ts'
import { startServer, withServer } from './support/server.ts'

let server: TestServer
let twin: TestServer
beforeAll(async () => {
  server = await startServer()
  twin = await startServer(server.settings)
})
afterAll(async () => {
  await Promise.all([server.close(), twin.close()])
})

let turn = 0
/** Every request goes to the other of two servers, so that nothing can depend on the memory of one. */
function ask(request: Parameters<typeof call>[1]): Promise<Exchanged> {
  turn += 1
  return call(turn % 2 ? server : twin, request)
}

async function linkFor(email: string, subject: RegExp): Promise<string> {
  const mails = [server, twin].map((each) => givenLink(each, email, subject))
  return Promise.any(mails)
}

/** A verified user with a session opened through the client. */
async function givenLoggedIn(client: Client): Promise<Credentials & { access: string; refresh: string }> {
  const credentials = await givenVerified(server)
  const { body } = await ask(client.logIn(credentials))
  return { ...credentials, ...client.tokensIn(body) }
}

const ordered = clients.map(
  (client, index) =>
    [client, clients[(index + 1) % clients.length], clients[(index + 2) % clients.length]] as [Client, Client, Client],
)

describe.each(clients)('the whole life of a user through $name', (client) => {
  const { says, refusalOf, tokensIn } = client

  it('goes from registration to logout, and leaves no session alive', async () => {
    const credentials = randomUser()
    const everything: { access: string; refresh: string }[] = []
    const remember = (answer: Exchanged) => {
      const pair = tokensIn(answer.body)
      everything.push(pair)
      return pair
    }

    expect((await ask(client.register(credentials))).status).toBe(201)
    const early = await ask(client.logIn(credentials))
    if (client.verificationRequired) expect(refusalOf(early)).toBe(says.wrongPassword)
    else expect(remember(early)).toEqual({ access: expect.any(String), refresh: expect.any(String) })

    const verification = tokenIn(await linkFor(credentials.email, /verify/i))
    for (const _time of [1, 2]) expect((await ask(client.verify(verification, credentials))).status).toBe(client.done)

    expect(refusalOf(await ask(client.logIn({ ...credentials, password: 'not it at all' })))).toBe(says.wrongPassword)
    const login = remember(await ask(client.logIn(credentials)))
    expect((await ask(client.look(login.access))).status).toBe(200)

    const first = await ask(client.refresh(login.refresh))
    expect(first.status).toBe(200)
    const refreshed = { ...login, ...(client.rotates ? remember(first) : { access: tokensIn(first.body).access }) }
    expect(refreshed.refresh !== login.refresh).toBe(client.rotates)
    expect((await ask(client.look(refreshed.access))).status).toBe(200)
    server.pass('11s')
    const replay = await ask(client.refresh(login.refresh))
    if (client.rotates) {
      expect(refusalOf(replay)).toBe(says.reused)
      expect(refusalOf(await ask(client.look(refreshed.access)))).toBe(says.ended)
    } else expect(replay.status).toBe(200)

    remember(await ask(client.logIn(credentials)))
    expect((await ask(client.requestReset(credentials.email))).status).toBe(client.done)
    const link = await linkFor(credentials.email, /reset/i)
    const renewed = { ...credentials, password: 'yournewpassword 1' }
    expect((await ask(client.reset(link, renewed.password))).status).toBe(client.done)
    expect(refusalOf(await ask(client.reset(link, 'another newpassword 2')))).toBe(says.usedReset)
    expect(refusalOf(await ask(client.logIn(credentials)))).toBe(says.wrongPassword)

    const last = remember(await ask(client.logIn(renewed)))
    for (const _time of [1, 2]) expect((await ask(client.logOut(last.refresh))).status).toBe(client.loggedOut)
    for (const { access, refresh } of everything) {
      expect(refusalOf(await ask(client.look(access)))).toBe(says.ended)
      expect([says.endedRefresh, says.reused]).toContain(refusalOf(await ask(client.refresh(refresh))))
    }
    expect(await countSessions(server, credentials)).toBe(0)
  })

  it('does not reveal by a reset request whether an address is registered', async () => {
    const { email } = await givenVerified(server)
    const [known, unknown] = [await ask(client.requestReset(email)), await ask(client.requestReset(randomUser().email))]
    expect([unknown.status, unknown.text]).toEqual([known.status, known.text])
  })
})

describe('one account, a client of each contract', () => {
  it.each(ordered)('registered at $name', async (entrance, second, third) => {
    const credentials = randomUser()
    expect((await ask(entrance.register(credentials))).status).toBe(201)
    await ask(entrance.verify(tokenIn(await linkFor(credentials.email, /verify/i)), credentials))
    const { username } = await server.database.db.user.findUniqueOrThrow({ where: { email: credentials.email } })
    const known = { ...credentials, username }

    const login = second.tokensIn((await ask(second.logIn(known))).body)
    const refreshed = await ask(third.refresh(login.refresh))
    expect(refreshed.status).toBe(200)
    const pair = { ...login, ...third.tokensIn(refreshed.body) }
    const refresh = pair.refresh ?? login.refresh
    for (const client of clients) expect((await ask(client.look(pair.access))).status).toBe(200)

    expect((await ask(third.logOut(refresh))).status).toBe(third.loggedOut)
    for (const client of clients) {
      for (const access of [login.access, pair.access]) {
        expect(client.refusalOf(await ask(client.look(access)))).toBe(client.says.ended)
      }
      expect(client.refusalOf(await ask(client.refresh(refresh)))).toBe(client.says.endedRefresh)
    }
  })

  it.each(clients)('a session of $name that is ended through another client is ended for all', async (client) => {
    const { access, refresh } = await givenLoggedIn(client)
    for (const other of clients) expect((await ask(other.look(access))).status).toBe(200)
    await server.send('POST', '/logout_all', { token: access })
    for (const other of clients) {
      expect(other.refusalOf(await ask(other.look(access)))).toBe(other.says.ended)
      expect(other.refusalOf(await ask(other.refresh(refresh)))).toBe(other.says.endedRefresh)
    }
  })

  it.each(clients)('a password that is reset at $name is the password everywhere', async (client) => {
    const credentials = await givenVerified(server)
    await ask(client.requestReset(credentials.email))
    await ask(client.reset(await linkFor(credentials.email, /reset/i), 'yournewpassword 1'))
    for (const other of clients) {
      expect(other.refusalOf(await ask(other.logIn(credentials)))).toBe(other.says.wrongPassword)
      expect((await ask(other.logIn({ ...credentials, password: 'yournewpassword 1' }))).status).toBe(200)
    }
  })
})

describe('the rate limits', () => {
  it('are shared: one login too many is refused through any client', () =>
    withServer({ RATE_LIMITS: 'on' }, async (strict) => {
      const wrong = { ...randomUser(), password: 'not it at all' }
      const knock = (index: number) => call(strict, (clients[index % clients.length] as Client).logIn(wrong))
      const answers = await times(usualBudget('costly') + 1, knock)
      const isWrongPassword = (answer: Exchanged, index: number) => {
        const { refusalOf, says } = clients[index % clients.length] as Client
        return answer.status !== 429 && refusalOf(answer) === says.wrongPassword
      }
      expect(answers.filter(isWrongPassword)).toHaveLength(usualBudget('costly'))
      expect(answers.filter(({ status }) => status === 429)).toHaveLength(1)
      const refused = await times(clients.length, knock)
      expect(refused.map(({ status }) => status)).toEqual(Array(clients.length).fill(429))
    }))

  it.each([
    ['registrations', 'costly', (client: Client) => client.register({ ...randomUser(), password: 'x' })],
    ['refreshes', 'change', (client: Client) => client.refresh('x')],
    ['logouts', 'change', (client: Client) => client.logOut('x')],
    ['requests for a reset', 'costly', (client: Client) => client.requestReset('x')],
  ] as const)('of %s are one for all clients', (_name, rateClass, request) =>
    withServer({ RATE_LIMITS: 'on' }, async (strict) => {
      const knock = (index: number) => call(strict, request(clients[index % clients.length] as Client))
      const answers = await times(usualBudget(rateClass) + 1, knock)
      expect(answers.filter(({ status }) => status === 429)).toHaveLength(1)
    }),
  )
})
