import { times } from './support/answers.ts'
import { usualBudget } from './support/budgets.ts'
import type { Door } from './support/clients.ts'
import { doors, tokenIn } from './support/clients.ts'
import type { Exchanged } from './support/exchange.ts'
import type { Person } from './support/fixtures.ts'
import { countSessions, givenLink, somebody } from './support/fixtures.ts'
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
/** Every request goes to the other of two servers, so that nothing can be remembered outside the database. */
function ask(request: Parameters<typeof call>[1]): Promise<Exchanged> {
  turn += 1
  return call(turn % 2 ? server : twin, request)
}

async function linkFor(email: string, subject: RegExp): Promise<string> {
  const letters = [server, twin].map((each) => givenLink(each, email, subject))
  return Promise.any(letters)
}

/** Somebody who has come in through the door. */
async function givenGuest(door: Door): Promise<Person & { access: string; refresh: string }> {
  const person = await givenVerified(server)
  const { body } = await ask(door.logIn(person))
  return { ...person, ...door.pairIn(body) }
}

const ordered = doors.map((door, index) => [door, doors[(index + 1) % 5], doors[(index + 2) % 5]] as [Door, Door, Door])

describe.each(doors)('a life behind $name', (door) => {
  const { says, refusalOf, pairIn } = door

  it('goes from registration to the logout, and leaves nothing alive', async () => {
    const person = somebody()
    const everything: { access: string; refresh: string }[] = []
    const remember = (answer: Exchanged) => {
      const pair = pairIn(answer.body)
      everything.push(pair)
      return pair
    }

    expect((await ask(door.register(person))).status).toBe(201)
    const early = await ask(door.logIn(person))
    if (door.verificationRequired) expect(refusalOf(early)).toBe(says.wrongPassword)
    else expect(remember(early)).toEqual({ access: expect.any(String), refresh: expect.any(String) })

    const verification = tokenIn(await linkFor(person.email, /verify/i))
    for (const _time of [1, 2]) expect((await ask(door.verify(verification, person))).status).toBe(200)

    expect(refusalOf(await ask(door.logIn({ ...person, password: 'not it at all' })))).toBe(says.wrongPassword)
    const login = remember(await ask(door.logIn(person)))
    expect((await ask(door.look(login.access))).status).toBe(200)

    const first = await ask(door.refresh(login.refresh))
    expect(first.status).toBe(200)
    const refreshed = { ...login, ...(door.rotates ? remember(first) : { access: pairIn(first.body).access }) }
    expect(refreshed.refresh !== login.refresh).toBe(door.rotates)
    expect((await ask(door.look(refreshed.access))).status).toBe(200)
    server.pass('11s')
    const replay = await ask(door.refresh(login.refresh))
    if (door.rotates) {
      expect(refusalOf(replay)).toBe(says.reused)
      expect(refusalOf(await ask(door.look(refreshed.access)))).toBe(says.ended)
    } else expect(replay.status).toBe(200)

    remember(await ask(door.logIn(person)))
    expect((await ask(door.forget(person.email))).status).toBe(200)
    const link = await linkFor(person.email, /reset/i)
    const renewed = { ...person, password: 'yournewpassword 1' }
    expect((await ask(door.reset(link, renewed.password))).status).toBe(200)
    expect(refusalOf(await ask(door.reset(link, renewed.password)))).toBe(says.usedReset)
    expect(refusalOf(await ask(door.logIn(person)))).toBe(says.wrongPassword)

    const last = remember(await ask(door.logIn(renewed)))
    for (const _time of [1, 2]) expect((await ask(door.logOut(last.refresh))).status).toBe(door.loggedOut)
    for (const { access, refresh } of everything) {
      expect(refusalOf(await ask(door.look(access)))).toBe(says.ended)
      expect([says.endedRefresh, says.reused]).toContain(refusalOf(await ask(door.refresh(refresh))))
    }
    expect(await countSessions(server, person)).toBe(0)
  })

  it('never shows whether an address is known to who asks for a reset', async () => {
    const { email } = await givenVerified(server)
    const [known, unknown] = [await ask(door.forget(email)), await ask(door.forget(somebody().email))]
    expect([unknown.status, unknown.text]).toEqual([known.status, known.text])
  })
})

describe('one account, five doors', () => {
  it.each(ordered)('registered at $name', async (entrance, second, third) => {
    const person = somebody()
    expect((await ask(entrance.register(person))).status).toBe(201)
    await ask(entrance.verify(tokenIn(await linkFor(person.email, /verify/i)), person))
    const { username } = await server.database.db.user.findUniqueOrThrow({ where: { email: person.email } })
    const known = { ...person, username }

    const login = second.pairIn((await ask(second.logIn(known))).body)
    const refreshed = await ask(third.refresh(login.refresh))
    expect(refreshed.status).toBe(200)
    const pair = { ...login, ...third.pairIn(refreshed.body) }
    const refresh = pair.refresh ?? login.refresh
    for (const door of doors) expect((await ask(door.look(pair.access))).status).toBe(200)

    expect((await ask(third.logOut(refresh))).status).toBe(third.loggedOut)
    for (const door of doors) {
      for (const access of [login.access, pair.access]) {
        expect(door.refusalOf(await ask(door.look(access)))).toBe(door.says.ended)
      }
      expect(door.refusalOf(await ask(door.refresh(refresh)))).toBe(door.says.endedRefresh)
    }
  })

  it.each(doors)('a session of $name that is ended elsewhere is dead at all of them', async (door) => {
    const { access, refresh } = await givenGuest(door)
    for (const other of doors) expect((await ask(other.look(access))).status).toBe(200)
    await server.send('POST', '/logout_all', { token: access })
    for (const other of doors) {
      expect(other.refusalOf(await ask(other.look(access)))).toBe(other.says.ended)
      expect(other.refusalOf(await ask(other.refresh(refresh)))).toBe(other.says.endedRefresh)
    }
  })

  it.each(doors)('a password that is reset at $name is the password of all', async (door) => {
    const person = await givenVerified(server)
    await ask(door.forget(person.email))
    await ask(door.reset(await linkFor(person.email, /reset/i), 'yournewpassword 1'))
    for (const other of doors) {
      expect(other.refusalOf(await ask(other.logIn(person)))).toBe(other.says.wrongPassword)
      expect((await ask(other.logIn({ ...person, password: 'yournewpassword 1' }))).status).toBe(200)
    }
  })
})

describe('the budgets', () => {
  it('are shared: one login too many is too many, however it is spread', () =>
    withServer({ RATE_LIMITS: 'on' }, async (strict) => {
      const wrong = { ...somebody(), password: 'not it at all' }
      const knock = (index: number) => call(strict, (doors[index % doors.length] as Door).logIn(wrong))
      const answers = await times(usualBudget('logIn') + 1, knock)
      expect(answers.map(({ status }) => status).sort()).toEqual([...Array(usualBudget('logIn')).fill(401), 429])
      const refused = await times(doors.length, knock)
      expect(refused.map(({ status }) => status)).toEqual(Array(doors.length).fill(429))
    }))

  it.each([
    ['registrations', 'register', (door: Door) => door.register({ ...somebody(), password: 'x' })],
    ['refreshes', 'refreshTokens', (door: Door) => door.refresh('x')],
    ['logouts', 'logOut', (door: Door) => door.logOut('x')],
    ['requests for a reset', 'forgotPassword', (door: Door) => door.forget('x')],
  ] as const)('of %s are one for all doors', (_name, budget, request) =>
    withServer({ RATE_LIMITS: 'on' }, async (strict) => {
      const knock = (index: number) => call(strict, request(doors[index % doors.length] as Door))
      const answers = await times(usualBudget(budget) + 1, knock)
      expect(answers.filter(({ status }) => status === 429)).toHaveLength(1)
    }),
  )
})
