import { refusalOf } from './answers.ts'
import type { Exchanged } from './exchange.ts'
import { exchange } from './exchange.ts'
import type { Credentials, User } from './fixtures.ts'
import { givenUser, logIn, mailsTo, randomUser } from './fixtures.ts'
import type { TestServer } from './server.ts'

/** A fault that is there until the function that it returns has been called. */
export interface Fault {
  /** Whether some requests succeed all the same. */
  readonly serves: boolean
  /** Whether readiness checks succeed. */
  readonly ready: boolean
  begin(): Promise<() => Promise<unknown>>
}

export interface RoundResult {
  readonly requests: number
  readonly refused: number
  readonly longestMs: number
  readonly firstSuccessMs: number
}

/** The longest that any request may take, with what a busy machine adds. */
const longestMs = 16_000
/** How long after the fault a login works at the latest, in the same way. */
const recoveryMs = 5500

/**
 * Sends requests of all kinds while the fault is there, and checks that each has succeeded or was told to come back; that the first
 * request after it succeeds; that nothing that was acknowledged is missing and nothing is there by half; and that mails go out.
 */
export async function survive(server: TestServer, fault: Fault): Promise<RoundResult> {
  const user = await givenUser(server)
  const newcomers = [randomUser(), randomUser(), randomUser()]
  const end = await fault.begin()
  let answers: readonly Timed[]
  try {
    const { mailWorker, cleanUp } = server.services
    const background = Promise.all([mailWorker.drain(), cleanUp.run()])
    answers = await Promise.all(requestsOf(server, user, newcomers))
    const ready = await exchange(server.url, '/readyz')
    expect([ready.status, ready.text]).toEqual([fault.ready ? 200 : 503, ready.text])
    await end()
    await background
  } catch (error) {
    await end()
    throw error
  }
  const firstSuccessMs = await untilServed(server, user)
  await untilIdle(server)
  for (const { answer } of answers)
    if (answer.status !== 503)
      expect([answer.status, answer.text]).toEqual([answer.status < 300 ? answer.status : 200, answer.text])
  const refused = answers.filter(({ answer }) => answer.status === 503)
  for (const { answer } of refused) {
    expect(refusalOf(answer)).toMatch(/^503 (database_unavailable|overloaded)$/)
    expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1)
  }
  if (!fault.serves) expect(refused).toHaveLength(answers.length)
  const slowestMs = Math.max(...answers.map(({ ms }) => ms))
  expect(slowestMs).toBeLessThan(longestMs)
  await expectWhole(server, user, newcomers, answers.slice(0, newcomers.length))
  return { requests: answers.length, refused: refused.length, longestMs: slowestMs, firstSuccessMs }
}

interface Timed {
  readonly answer: Exchanged
  readonly ms: number
}

/** The registrations come first. */
function requestsOf(server: TestServer, user: User, newcomers: readonly Credentials[]): Promise<Timed>[] {
  const { username, password, email, access_token: token, refresh_token } = user
  const post = (path: string, body: object) => timed(server, `POST ${path}`, { body })
  return [
    ...newcomers.map((one) => post('/register_credentials', one)),
    ...[1, 2, 3].map(() => post('/login_credentials', { username, password })),
    ...[1, 2, 3].map(() => timed(server, 'GET /profile', { token })),
    timed(server, 'PATCH /profile', { token, body: { first_name: 'Ada' } }),
    post('/access_token', { refresh_token }),
    post('/forgot_password', { email }),
  ]
}

async function timed(
  server: TestServer,
  route: string,
  { token, body }: { token?: string; body?: object },
): Promise<Timed> {
  const begin = performance.now()
  const [method = '', path] = route.split(' ')
  const headers = { 'Content-Type': 'application/json', ...(token && { Authorization: `Bearer ${token}` }) }
  const sent = { method, headers, ...(body && { body: JSON.stringify(body) }) }
  const answer = await exchange(server.url, `/api/v1/auth${path}`, sent)
  return { answer, ms: performance.now() - begin }
}

/** Milliseconds until a request succeeds. */
async function untilServed(server: TestServer, { access_token: token }: User): Promise<number> {
  const begin = performance.now()
  for (;;) {
    const { answer } = await timed(server, 'PATCH /profile', { token, body: { last_name: 'Lovelace' } })
    const ms = performance.now() - begin
    if (answer.status === 200) return ms
    expect([answer.status, ms < recoveryMs]).toEqual([503, true])
  }
}

/** What a request has begun may come to its end after its answer. */
async function untilIdle({ database }: TestServer): Promise<void> {
  for (;;) {
    const busy = await database.db.$queryRaw<object[]>`
      SELECT pid FROM pg_stat_activity
      WHERE application_name = 'auth-server' AND state <> 'idle' AND pid <> pg_backend_pid()`
    if (busy.length === 0) return
  }
}

/** An account that was acknowledged is there. One that was not is there with its mail, or not at all. */
async function expectWhole(
  server: TestServer,
  user: User,
  newcomers: readonly Credentials[],
  answers: readonly Timed[],
) {
  for (const [index, { username, password, email }] of newcomers.entries()) {
    const acknowledged = answers[index]?.answer.status === 201
    const { status } = await logIn(server, username, password)
    expect(acknowledged ? [200] : [200, 401]).toContain(status)
    expect(await mailsTo(server, email)).toHaveLength(status === 200 ? 1 : 0)
  }
  // A refresh whose answer was lost gives the same pair again.
  const { refresh_token } = user
  expect((await server.send('POST', '/access_token', { body: { refresh_token } })).status).toBe(200)
}
