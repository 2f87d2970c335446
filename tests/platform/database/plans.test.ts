import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Features } from '../../../src/features/composition.ts'
import type { Caller } from '../../../src/kernel/caller.ts'
import { secondsAfter } from '../../../src/kernel/time.ts'
import { runSql } from '../../support/catalog.ts'
import { setDefaults } from '../../support/database.ts'
import { targets } from '../../support/endpoints.ts'
import { readyRequest } from '../../support/every-request.ts'
import { givenRegistration, givenUser, logIn, randomUser } from '../../support/fixtures.ts'
import { givenManyRows, growingTables } from '../../support/many-rows.ts'
import type { PrivatePostgres } from '../../support/private-postgres.ts'
import { startPrivatePostgres } from '../../support/private-postgres.ts'
import { givenFolder } from '../../support/process.ts'
import type { TestServer } from '../../support/server.ts'
import { withServer } from '../../support/server.ts'

/** A node of a plan, in the words of EXPLAIN. */
interface Plan {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Index Name'?: string
  readonly 'Index Cond'?: string
  readonly Plans?: readonly Plan[]
}

interface ExplainedStatement {
  readonly 'Query Text': string
  readonly Plan: Plan
}

const rowCount = 5000
/** Of the first row; each of the others is of a millisecond later. */
const filledAt = new Date()

let folder: string
let postgres: PrivatePostgres
beforeAll(async () => {
  folder = await givenFolder()
  postgres = await startPrivatePostgres({ log_line_prefix: '' }, folder)
  await givenManyRows(postgres.url, { rows: rowCount, instant: filledAt.toISOString() })
  // The plans of all statements are in the log of PostgreSQL, and those of the statements within functions too.
  await setDefaults(postgres.url, {
    session_preload_libraries: 'auto_explain',
    'auto_explain.log_min_duration': '0',
    'auto_explain.log_nested_statements': 'on',
    'auto_explain.log_format': 'json',
  })
})
afterAll(() => postgres.end())

/** What PostgreSQL has been asked while a server did the work, with plans for any values (`generic`), or for those given. */
async function statementsOf(
  plans: 'generic' | 'custom',
  work: (server: TestServer) => Promise<void>,
): Promise<ExplainedStatement[]> {
  await setDefaults(postgres.url, { plan_cache_mode: `force_${plans}_plan` })
  const before = (await readFile(join(folder, 'postgres.log'))).length
  await withServer({ DATABASE_URL: postgres.url, EVENT_RETENTION: '400d' }, work)
  const log = (await readFile(join(folder, 'postgres.log'))).subarray(before).toString('utf8')
  // Lines that go on with a message begin with a tab.
  return [...log.matchAll(/^LOG: {2}duration: .* plan:\n((?:\t.*\n)+)/gm)].map(([, json = '']) => JSON.parse(json))
}

/** The tables that have many rows now, partitions as well. */
async function largeTables(): Promise<string[]> {
  const rows = await runSql<{ name: string }>(
    postgres.url,
    `SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND reltuples >= ${rowCount}`,
  )
  return rows.map(({ name }) => name)
}

const readsOfLimit = new Set(['Limit', 'Unique'])

/** The large tables and indexes that the plan reads from end to end. */
function wholeReads(plan: Plan, large: readonly string[], isLimited = false): string[] {
  const { 'Node Type': node, 'Relation Name': table = '', 'Index Name': index = '', Plans: parts = [] } = plan
  const isWhole =
    node === 'Seq Scan'
      ? large.includes(table)
      : /Index.* Scan/.test(node) &&
        plan['Index Cond'] === undefined &&
        !isLimited &&
        (table === '' || large.includes(table))
  const below = parts.flatMap((part) => wholeReads(part, large, isLimited || readsOfLimit.has(node)))
  return isWhole ? [`${node} of ${table || index}`, ...below] : below
}

async function findings(statements: readonly ExplainedStatement[]): Promise<string[]> {
  const large = await largeTables()
  const found = statements.flatMap(({ 'Query Text': text, Plan: plan }) =>
    wholeReads(plan, large).map((read) => `${read}: ${text.replaceAll(/\s+/g, ' ').trim()}`),
  )
  return [...new Set(found)]
}

const operator: Caller = {
  ...{ requestId: '0b7f1d5e-3c1c-4d55-9a43-0d6f3e1a2b4c', ip: '127.0.0.1', network: '127.0.0.1', userAgent: '' },
  ...{ bearer: undefined, device: undefined, operator: 'grace' },
  policy: {
    emailVerification: 'optional',
    lifetimes: { accessLifetime: 1, refreshLifetime: 1, sessionLifetime: 1 },
  } as never,
}

async function operate({ administration, operations, mails, mailStates }: Features, id: number): Promise<void> {
  const user = await administration.find({ id })
  if (!user) throw new Error('there is no such user')
  await administration.find({ uuid: user.uuid })
  await administration.find({ identifier: user.username })
  await administration.find({ identifier: user.email })
  await administration.list({ before: 1000, limit: 20 })
  await administration.setRoles(user, { isStaff: true }, operator)
  await operations.listSessions(user, 20)
  await operations.endSessions(user, operator)
  await operations.listEvents({ since: new Date(0), userId: id, limit: 20 })
  for (const status of ['queued', 'sent', 'dropped', 'abandoned'] as const) await mails.list({ status, limit: 20 })
  await mails.find(operator.requestId)
  await mails.retry(operator.requestId, operator)
  await mailStates()
  await administration.disable(user, operator)
  await administration.enable(user, operator)
  await administration.delete(user, operator)
}

describe('a statement reads no large table from end to end', () => {
  it('whatever its values are: those of every endpoint, of operators, of the mail worker and of the clean-up', async () => {
    const statements = await statementsOf('generic', async (server) => {
      for (const target of new Map(targets.map((each) => [each.name, each])).values()) {
        const { status, text } = await (await readyRequest(server, target)).send()
        expect([target.route, status < 500, text]).toEqual([target.route, true, text])
      }
      const user = await givenUser(server)
      for (let failure = 0; failure < 6; failure += 1) await logIn(server, user.username, 'a wrong guess')
      await logIn(server, randomUser().email, 'a wrong guess')
      const refresh = { body: { refresh_token: user.refresh_token } }
      for (const passed of ['0s', '1s', '1m']) {
        server.pass(passed)
        await server.send('POST', '/access_token', refresh)
      }
      await server.raw('GET', '//readyz')
      await withServer({ ...server.settings, EMAIL_VERIFICATION: 'required' }, async (demanding) => {
        await givenRegistration(demanding)
      })
      await server.mails()
      await operate(server.services, user.id)
      server.pass('70d')
      await server.services.cleanUp.run()
    })
    const texts = statements.map((each) => each['Query Text']).join('\n')
    // Each table was asked for something, and a function's statements are there too.
    for (const table of growingTables) expect(texts).toContain(table)
    expect(texts).toContain('ORDER BY coalesce(live.last_used_at, live.created_at) DESC')
    expect(await findings(statements)).toEqual([])
  })

  it('for its values, where those decide: the events of all users since an instant', async () => {
    await runSql(
      postgres.url,
      `INSERT INTO events (type, at) SELECT 'login_succeeded', '${filledAt.toISOString()}'::timestamptz + n * interval '1 ms'
       FROM generate_series(1, 200000) AS n`,
    )
    await runSql(postgres.url, 'VACUUM ANALYZE events')
    const statements = await statementsOf('custom', async ({ services }) => {
      await services.operations.listEvents({ since: secondsAfter(filledAt, 199), limit: 20 })
    })
    expect(statements.length).toBeGreaterThan(0)
    expect(await findings(statements)).toEqual([])
  })
})
