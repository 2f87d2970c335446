import { Client } from 'pg'
import { refusalOf } from '../support/answers.ts'
import { freshDatabase } from '../support/database.ts'
import type { DatabaseProxy, StatementFault } from '../support/database-proxy.ts'
import { startDatabaseProxy } from '../support/database-proxy.ts'
import type { Target } from '../support/endpoints.ts'
import { endpoints } from '../support/endpoints.ts'
import type { ReadyRequest } from '../support/every-request.ts'
import { readyRequest } from '../support/every-request.ts'
import { watchRows } from '../support/row-changes.ts'
import type { TestServer } from '../support/server.ts'
import { startServer } from '../support/server.ts'

let admin: Client
let proxy: DatabaseProxy
let server: TestServer
beforeAll(async () => {
  const url = await freshDatabase()
  admin = new Client({ connectionString: url })
  await admin.connect()
  proxy = await startDatabaseProxy(url)
  server = await startServer({ DATABASE_URL: proxy.url, DATABASE_POOL: '3', TOKENS_BY_BEARER: 'on' })
})
afterAll(async () => {
  await server.close()
  await proxy.cut()
  await admin.end()
})

/** Ends the connection of the statement as an administrator does, and waits until it is gone. */
const terminate: StatementFault = async ({ sourcePort }) => {
  const which = `FROM pg_stat_activity WHERE client_port = ${sourcePort}`
  await admin.query(`SELECT pg_terminate_backend(pid) ${which}`)
  while ((await admin.query(`SELECT ${which}`)).rowCount);
  return undefined
}

const reset: StatementFault = (statement) => {
  statement.reset()
  return 'drop'
}

const loseAnswer: StatementFault = (statement) => {
  statement.loseAnswer()
  return undefined
}

const refuseWith =
  (sqlstate: string): StatementFault =>
  ({ refuse }) => {
    refuse(sqlstate)
    return 'drop'
  }

/** Committed before the session opens, as a gate may ask for a step that the user then takes at a login. */
const accountWithoutSession = {
  events: '1 rows new or changed, 1 rows more',
  mail_rate_limits: '2 rows new or changed, 2 rows more',
  mail_tokens: '1 rows new or changed, 1 rows more',
  outbox_mails: '1 rows new or changed, 1 rows more',
  passwords: '1 rows new or changed, 1 rows more',
  users: '1 rows new or changed, 1 rows more',
}
/** Acts that a request does one after the other, each of them whole. */
const firstActs: Readonly<Record<string, object>> = { register: accountWithoutSession }

/** Breaks the first statement of the request, then that of another one after it, until a request has no further statement. */
async function breakEach(target: Target, fault: StatementFault, check: (effect: string, index: number) => void) {
  const whole = await (async () => {
    const request = await readyRequest(server, target)
    const changes = await watchRows(admin)
    const { status, text } = await request.send()
    expect([status < 300, text]).toEqual([true, text])
    return changes()
  })()
  const names = new Map([
    ['{}', 'nothing'],
    [JSON.stringify(whole), 'everything'],
    [JSON.stringify(firstActs[target.name] ?? {}), 'nothing'],
  ])
  let unused: ReadyRequest | undefined
  for (let index = 0; ; index += 1) {
    const request = unused ?? (await readyRequest(server, target))
    const changes = await watchRows(admin)
    const broken = proxy.breakStatement(index, fault)
    const answer = await request.send()
    await proxy.mend()
    if (!broken.happened()) return
    const done = JSON.stringify(await changes())
    expect([index, refusalOf(answer)]).toEqual([index, '503 database_unavailable'])
    expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1)
    check(names.get(done) ?? done, index)
    // A password that may have been compared counts as an attempt: another user is not refused for that.
    unused = done === '{}' && !target.takesPassword ? request : undefined
  }
}

describe.each([
  ['its connection is terminated', terminate],
  ['its connection is reset', reset],
  ['its answer is lost', loseAnswer],
  ['it is cancelled', refuseWith('57014')],
  ['the disk is full', refuseWith('53100')],
  ['the database has become read-only', refuseWith('25006')],
  ['it is the prepared statement of another client of a pooler', refuseWith('42P05')],
])(
  'whichever statement of a request fails because %s, the answer is 503 and the effect is whole or none',
  (_why, fault) => {
    it.each(endpoints.map((target) => [target.route, target] as const))('%s', async (_route, target) => {
      let broken = 0
      await breakEach(target, fault, (effect) => {
        broken += 1
        expect(['nothing', 'everything']).toContain(effect)
      })
      expect(broken).toBeGreaterThan(0)
    })
  },
)
