import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createActor } from '../crash/actor.ts'
import { checkActor } from '../crash/check-actor.ts'
import { checkRows, readEvents } from '../crash/check-rows.ts'
import { createRandom } from '../crash/random.ts'
import { runSql } from '../support/catalog.ts'
import { freshDatabase, withClient } from '../support/database.ts'
import { exchange } from '../support/exchange.ts'
import { endProcesses, givenFolder, processKey, startProcess, until } from '../support/process.ts'
import { copyProject } from '../support/project-copy.ts'

afterEach(endProcesses)

/** A migration of the kind that every version may have: it only adds. */
const expansion = `
ALTER TABLE users ADD COLUMN nickname TEXT;
CREATE INDEX users_nickname_idx ON users (nickname);
ALTER TABLE sessions ADD COLUMN device TEXT NOT NULL DEFAULT 'unknown';
`

it('a new version migrates the database of the old one under load, and both serve side by side without a failed request', async () => {
  const DATABASE_URL = await freshDatabase()
  const settings = { ...processKey, DATABASE_URL, RATE_LIMITS: 'off', REFRESH_GRACE: '60s', LOG_LEVEL: 'warn' }
  const oldUrl = await startProcess(settings).ready
  const copy = await copyProject(await givenFolder())
  const folder = join(copy, 'prisma/migrations/29991231000000_expand')
  await mkdir(folder)
  await writeFile(join(folder, 'migration.sql'), expansion)

  const random = createRandom(1)
  const start = (version: string, url: string) =>
    Array.from({ length: 4 }, (_, index) =>
      createActor({ name: `${version}-${index}`, url, random, mailedToken: () => undefined }),
    )
  const actors = start('old', oldUrl)
  const runs = actors.map((actor) => actor.run())
  const goOn = async () => {
    const before = actors.map(({ ledger }) => ledger.acts.length)
    await until(async () => actors.every(({ ledger }, index) => ledger.acts.length > (before[index] ?? 0) + 5))
  }
  await goOn()

  // A report reads users for a while: the migration has to wait, and no request may wait behind it for long.
  const upgraded = await withClient(DATABASE_URL, async (report) => {
    await report.query('BEGIN; SELECT count(*) FROM users')
    const process = startProcess(settings, { program: [join(copy, 'dist/start.cjs')] })
    const waits = `SELECT FROM pg_locks WHERE relation = 'users'::regclass AND NOT granted AND mode = 'AccessExclusiveLock'`
    const isWaiting = async () => (await runSql(DATABASE_URL, waits)).length > 0
    await until(isWaiting)
    // It gives way, and tries again.
    await until(async () => !(await isWaiting()))
    await until(isWaiting)
    await goOn()
    await report.query('COMMIT')
    return process
  })
  const newUrl = await upgraded.ready
  const columns = await runSql(
    DATABASE_URL,
    "SELECT FROM information_schema.columns WHERE column_name IN ('nickname', 'device')",
  )
  expect(columns).toHaveLength(2)
  const newActors = start('new', newUrl)
  actors.push(...newActors)
  runs.push(...newActors.map((actor) => actor.run()))
  await goOn()
  // A version that is put back finds migrations that it does not know.
  const backUrl = await startProcess(settings).ready
  for (const url of [oldUrl, newUrl, backUrl]) expect((await exchange(url, '/readyz')).status).toBe(200)

  for (const actor of actors) actor.stop()
  await Promise.all(runs)
  const events = await readEvents(DATABASE_URL)
  for (const { ledger, complaints } of actors) {
    expect([...complaints, ...ledger.acts.filter(({ outcome }) => outcome === 'unknown')]).toEqual([])
    // Each version serves what the other has written.
    const url = ledger.username.startsWith('old') ? newUrl : oldUrl
    expect(await checkActor({ url, ledger, events })).toEqual([])
  }
  expect(await checkRows(DATABASE_URL)).toEqual([])
})
