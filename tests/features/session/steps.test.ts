import type { RequestGate } from '../../../src/features/index.ts'
import { sessionErrors } from '../../../src/features/session/errors.ts'
import { refusalOf } from '../../support/answers.ts'
import { clients } from '../../support/clients.ts'
import type { Exchanged } from '../../support/exchange.ts'
import type { Credentials } from '../../support/fixtures.ts'
import { countSessions, eventsOf, randomUser } from '../../support/fixtures.ts'
import { call, givenVerified } from '../../support/foreign.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer } from '../../support/server.ts'

type Question = Parameters<RequestGate['answer']>[0]
type Answer = Awaited<ReturnType<RequestGate['answer']>>

/** The answers of the gate, by username. */
const decisions = new Map<string, (question: Question) => Answer>()

const gate: RequestGate = {
  occasions: ['open', 'use', 'renew', 'introspect'],
  async answer(question, { clock }) {
    expect(clock.now()).toBeInstanceOf(Date)
    return decisions.get(question.user.username)?.(question)
  },
}

let server: TestServer
beforeAll(async () => {
  server = await startServer({}, { moreGates: [gate] })
})
afterAll(() => server.close())

/** A user of the gate; it decides by the occasion. */
async function givenGated(): Promise<Credentials & { decide: (decision: (question: Question) => Answer) => void }> {
  const person = await givenVerified(server)
  return { ...person, decide: (decision) => decisions.set(person.username, decision) }
}

const ask = (request: Parameters<typeof call>[1]) => call(server, request)

/** The answer of the contract when a step is required. */
function expectStep(answer: Exchanged, step: object): void {
  expect(answer.status).toBe(403)
  expect(answer.body).toMatchObject({ code: 'step_required', step })
  if (String(answer.headers['content-type']).startsWith('application/problem+json')) {
    expect(refusalOf(answer)).toBe('403 step_required')
  } else {
    expect(answer.body).toEqual({ detail: 'Another step is needed first: see step.', code: 'step_required', step })
  }
}

const secondFactor = { name: 'second_factor', ticket: 'ticket-1' }

describe.each(clients)('a gate, for clients of $name', (client) => {
  it('asks for a step with a ticket at a login, which opens no session and counts no failure', async () => {
    const user = await givenGated()
    user.decide(({ occasion, passed }) =>
      occasion === 'open' && !passed.includes('second_factor') ? { step: secondFactor } : undefined,
    )
    for (let attempt = 0; attempt < 7; attempt += 1) expectStep(await ask(client.logIn(user)), secondFactor)
    expect(client.refusalOf(await ask(client.logIn({ ...user, password: 'not the password' })))).toBe(
      client.says.wrongPassword,
    )
    expect(await countSessions(server, user)).toBe(0)
    user.decide(() => undefined)
    expect((await ask(client.logIn(user))).status).toBe(200)
  })

  it('knows that a login has shown the password, before a session exists', async () => {
    const user = await givenGated()
    const questions: Question[] = []
    user.decide((question) => void questions.push(question))
    await ask(client.logIn(user))
    expect(questions.map(({ occasion, passed, session }) => [occasion, passed, session])).toEqual([
      ['open', ['password'], undefined],
    ])
  })

  it('stops uses and refreshes by a step or a refusal, and the session goes on once the gate passes', async () => {
    const user = await givenGated()
    const { access, refresh } = client.tokensIn((await ask(client.logIn(user))).body)
    const sessions: unknown[] = []
    const terms = { name: 'accept_terms', maxAge: 90 }
    user.decide(({ occasion, session }) => {
      sessions.push([occasion, session?.generation])
      return { step: terms }
    })
    expectStep(await ask(client.look(access)), { name: 'accept_terms', max_age: 90 })
    expectStep(await ask(client.refresh(refresh)), { name: 'accept_terms', max_age: 90 })
    expect(sessions).toEqual([
      ['use', 0],
      ['renew', 0],
    ])
    user.decide(() => ({ refusal: sessionErrors.email_not_verified }))
    expect([401, 403]).toContain((await ask(client.look(access))).status)
    user.decide(() => undefined)
    expect((await ask(client.look(access))).status).toBe(200)
    expect((await ask(client.refresh(refresh))).status).toBe(200)
  })

  it('is not asked by a logout', async () => {
    const user = await givenGated()
    const { refresh } = client.tokensIn((await ask(client.logIn(user))).body)
    user.decide(() => ({ step: secondFactor }))
    expect((await ask(client.logOut(refresh))).status).toBe(client.loggedOut)
  })
})

describe('a gate', () => {
  it('makes introspection report a token as inactive', async () => {
    const user = await givenGated()
    const { body } = await server.send('POST', '/login_credentials', {
      body: { username: user.username, password: user.password },
    })
    const introspect = () => server.send('POST', '/verify_token', { body: { token: body.access_token } })
    user.decide(({ occasion }) => (occasion === 'introspect' ? { step: secondFactor } : undefined))
    expect((await introspect()).body).toEqual({ active: false })
    const foreign = await ask({ method: 'POST', path: '/api/auth/token/verify/', body: { token: body.access_token } })
    expect(foreign.status).toBe(401)
    user.decide(() => undefined)
    expect((await introspect()).body).toMatchObject({ active: true })
  })

  it('stops a renewal by an access token as it stops a refresh', async () => {
    const user = await givenGated()
    const { body } = await server.send('POST', '/login_credentials', {
      body: { username: user.username, password: user.password },
    })
    user.decide(({ occasion }) => (occasion === 'renew' ? { step: secondFactor } : undefined))
    for (const method of ['GET', 'POST'] as const) {
      const answer = await server.send(method, '/tokens', { token: body.access_token })
      expect([answer.status, answer.body.step]).toEqual([403, secondFactor])
    }
    expect((await server.send('GET', '/session', { token: body.access_token })).status).toBe(200)
  })

  it('that stops the session of a new account leaves the account, which logs in once the step is taken', async () => {
    const person = randomUser()
    decisions.set(person.username, () => ({ step: secondFactor }))
    const refused = await server.send('POST', '/register_credentials', { body: person })
    expect([refused.status, refused.body.step]).toEqual([403, secondFactor])
    decisions.delete(person.username)
    const { username, password } = person
    const { status, body } = await server.send('POST', '/login_credentials', { body: { username, password } })
    expect(status).toBe(200)
    expect((await eventsOf(server, body.user)).map(({ type }) => type)).toEqual(['user_registered', 'login_succeeded'])
  })
})
