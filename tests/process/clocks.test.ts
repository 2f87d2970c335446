import { refusalOf } from '../support/answers.ts'
import { freshDatabase } from '../support/database.ts'
import type { Exchanged } from '../support/exchange.ts'
import { exchange } from '../support/exchange.ts'
import { randomUser } from '../support/fixtures.ts'
import { endProcesses, processKey, startProcess } from '../support/process.ts'

afterEach(endProcesses)

const preload = new URL('../support/shifted-clock.mjs', import.meta.url).href

/** Two servers on one database: the clock of the first one's machine is wrong by so many seconds. */
async function givenServers(seconds: number): Promise<[wrong: string, right: string]> {
  const settings = { ...processKey, DATABASE_URL: await freshDatabase(), RATE_LIMITS: 'off' }
  const shifted = { NODE_OPTIONS: `--import=${preload}`, CLOCK_SHIFT_MS: String(seconds * 1000) }
  const wrong = await startProcess({ ...settings, ...shifted }).ready
  return [wrong, await startProcess(settings).ready]
}

function post(url: string, path: string, body: object): Promise<Exchanged> {
  const headers = { 'Content-Type': 'application/json' }
  return exchange(url, `/api/v1/auth${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
}

describe('instances whose machines disagree about the time', () => {
  it.each([-12, 12])('repeat the pair inside the grace window when one is %i s off', async (seconds) => {
    const [wrong, right] = await givenServers(seconds)
    for (const [first, second] of [
      [wrong, right],
      [right, wrong],
    ] as const) {
      const { refresh_token } = (await post(first, '/register_credentials', randomUser())).body
      const refreshed = await post(first, '/access_token', { refresh_token })
      expect(refreshed.status).toBe(200)
      expect((await post(second, '/access_token', { refresh_token })).body).toEqual(refreshed.body)
    }
  })

  it.each([-3600, 3600])('take the tokens of each other when one is %i s off', async (seconds) => {
    const servers = await givenServers(seconds)
    for (const [issuer, other] of [servers, servers.toReversed() as typeof servers]) {
      const { access_token } = (await post(issuer, '/register_credentials', randomUser())).body
      const headers = { Authorization: `Bearer ${access_token}` }
      expect((await exchange(other, '/api/v1/auth/session', { headers })).status).toBe(200)
    }
  })

  it('throttle a guesser alike when one clock is an hour ahead', async () => {
    const [wrong, right] = await givenServers(3600)
    const { username, password } = randomUser()
    await post(right, '/register_credentials', { username, email: `${username}@example.com`, password })
    for (let failures = 0; failures < 5; failures += 1) {
      await post(right, '/login_credentials', { username, password: 'a wrong password' })
    }
    expect(refusalOf(await post(wrong, '/login_credentials', { username, password }))).toBe('401 credentials_invalid')
  })
})
