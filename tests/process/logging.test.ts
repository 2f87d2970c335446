import { Client } from 'pg'
import { freshDatabase } from '../support/database.ts'
import { sampleBody, targets } from '../support/endpoints.ts'
import { exchange } from '../support/exchange.ts'
import { randomUser } from '../support/fixtures.ts'
import { endProcesses, givenFolder, startProcess } from '../support/process.ts'

afterEach(endProcesses)

const typed = { 'Content-Type': 'application/json' }

/** Fields whose values the log must not hold. */
const secretFields = /password|token|refresh/

/** Lines of the TypeScript, not of the compiled files. */
const linesOfSource = /\/src\/features\/\w+\/[\w-]+\.ts:\d+:\d+/

describe('the log of a process', () => {
  it.each(['debug', 'info', 'warn', 'error', 'silent'])(
    'at LOG_LEVEL=%s holds none of the secrets that were sent to any endpoint',
    async (LOG_LEVEL) => {
      const process = startProcess({
        LOG_LEVEL,
        RATE_LIMITS: 'off',
        DATABASE_URL: await freshDatabase(),
        DATA_DIR: await givenFolder(),
      })
      const url = await process.ready
      const credentials = { ...randomUser(), password: 'CANARY good password' }
      const registered = await exchange(url, '/api/v1/auth/register_credentials', {
        method: 'POST',
        headers: typed,
        body: JSON.stringify(credentials),
      })
      expect(registered.status).toBe(201)
      const { access_token, refresh_token } = registered.body
      const session = { ...typed, Authorization: `Bearer ${access_token}`, Cookie: 'refresh=CANARY-cookie' }

      for (const target of targets) {
        const { method, pattern, hasBody, route } = target
        const path = pattern.replaceAll(/\{\w+\}/g, 'CANARY-path')
        // These would end the session that the others are called with.
        const headers = /logout|DELETE/.test(route) ? typed : session
        const query = '?token=CANARY-query&password=CANARY-query'
        const sample = sampleBody(target)
        const secrets = Object.keys(sample).map((name) => [
          name,
          secretFields.test(name) ? `CANARY ${name}` : sample[name],
        ])
        const bodies = [JSON.stringify(Object.fromEntries(secrets)), '{"password":"CANARY', '{"CANARY-field":"CANARY"}']
        for (const body of hasBody ? bodies : ['']) {
          const { status } = await exchange(url, path + query, { method, headers, body })
          expect(status).toBeLessThan(500)
        }
        await exchange(url, path + query, {
          method,
          headers: { ...typed, Authorization: 'Bearer CANARY.CANARY.CANARY' },
        })
      }
      const mails = await exchange(url, '/mailbox.json')
      const mailed = [...mails.text.matchAll(/token=([\w-]{43})/g)].map(([, token = '']) => token)
      expect(mailed.length).toBeGreaterThan(0)

      process.kill('SIGTERM')
      expect(await process.exit).toBe(0)
      const log = process.stdout() + process.stderr()
      if (LOG_LEVEL === 'debug' || LOG_LEVEL === 'info') expect(log.split('\n').length).toBeGreaterThan(100)
      expect(log).not.toContain('CANARY')
      for (const secret of [access_token, refresh_token, ...mailed]) expect(log).not.toContain(secret)
      expect(log).not.toMatch(/Bearer|eyJ/)
    },
  )

  it('holds only the stack of a fault, as other fields of an error can hold a query with its values', async () => {
    const DATABASE_URL = await freshDatabase()
    const process = startProcess({ RATE_LIMITS: 'off', DATABASE_URL, DATA_DIR: await givenFolder() })
    const url = await process.ready
    const database = new Client({ connectionString: DATABASE_URL })
    await database.connect()
    await database.query('ALTER TABLE users RENAME TO hidden')
    await database.end()
    const answer = await exchange(url, '/api/v1/auth/login_credentials', {
      method: 'POST',
      headers: typed,
      body: JSON.stringify({ username: 'CANARY-name', password: 'CANARY password' }),
    })
    expect(answer.status).toBe(500)

    process.kill('SIGTERM')
    expect(await process.exit).toBe(0)
    const faults = process
      .stdout()
      .split('\n')
      .filter((line) => line.includes('"level":"error"'))
    expect(faults.map((line) => JSON.parse(line).error)).toEqual([{ stack: expect.stringMatching(linesOfSource) }])
    expect(process.stdout() + process.stderr()).not.toContain('CANARY')
  })
})
