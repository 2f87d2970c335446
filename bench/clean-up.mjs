// How long sessions are read for before, while and after a server deletes sessions that ended long ago.
import { loadavg } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { fillDeadSessions } from './fill.mjs'
import { withFilledDatabases } from './filled-server.mjs'
import { get, percentile } from './server.mjs'

const users = 100_000
const readsPerSecond = 200
const windowMs = 8000
/** Of the reads before and of those after. */
const windows = 4
/** Times that the clean-up is held up for a window and goes on for one, before it goes on to its end. */
const turns = 12

export async function measureCleanUp({ dead }) {
  await withFilledDatabases({ max_wal_size: '4GB' }, async ({ admin, prepare }) => {
    const { database, pool, filled, start } = await prepare(users)
    // A server cleans up at its start, and then each hour.
    const idle = await start()
    await fillDeadSessions(pool, filled, dead)
    await pool.query(holding)
    const before = await readAll(idle, filled, windows)
    await idle.stop()

    await admin.query('SELECT pg_stat_statements_reset()')
    const startedAt = performance.now()
    const cleaning = await start()
    const [held, during, rest] = [[], [], []]
    for (let deleted = 0; deleted < dead; ) {
      const isTurn = during.length < turns
      if (isTurn) {
        await holdUp(pool)
        held.push(...(await readAll(cleaning, filled, 1)))
      }
      const atBegin = await countDeleted(pool)
      const reads = await readAll(cleaning, filled, 1)
      ;(isTurn ? during : rest).push(...reads)
      deleted = await countDeleted(pool)
      if (deleted < dead && deleted === atBegin) throw new Error(`the clean-up stopped after ${deleted} rows`)
      if ((during.length + rest.length) % 4 === 0)
        console.log(`${deleted.toLocaleString('en')} rows after ${seconds(startedAt)}`)
    }
    const whole = seconds(startedAt)
    const after = await readAll(cleaning, filled, windows)
    report({ before, held, during, rest, after })
    console.log(
      `${dead.toLocaleString('en')} rows within ${whole}, of which it was held up for ${(held.length * windowMs) / 1000} s`,
    )
    console.log(await statementsOf(admin, database, dead))
    console.log(`load of the machine at the end: ${loadavg().map((load) => load.toFixed(1))}`)
  })
}

/** Makes deletions wait while another holds a lock that nothing else takes: neither reads nor vacuum wait for it. */
const holding = `
  CREATE FUNCTION wait_for_turn() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NULL; END $$;
  CREATE TRIGGER wait_for_turn BEFORE DELETE ON sessions FOR EACH STATEMENT EXECUTE FUNCTION wait_for_turn()`

/**
 * Holds the clean-up up for one window, so that reads are compared in turn: its batch waits for a quarter of the window, and the pause
 * after a batch takes three times as long.
 */
async function holdUp(pool) {
  const client = await pool.connect()
  await client.query('SELECT pg_advisory_lock(1)')
  setTimeout(async () => {
    await client.query('SELECT pg_advisory_unlock(1)')
    client.release()
  }, windowMs / 4)
}

async function countDeleted(pool) {
  const { rows } = await pool.query("SELECT n_tup_del FROM pg_stat_user_tables WHERE relname = 'sessions'")
  return Number(rows[0].n_tup_del)
}

async function statementsOf(admin, database, dead) {
  const { rows } = await admin.query(
    `SELECT sum(calls)::integer AS calls, round((sum(total_exec_time) / sum(calls))::numeric, 1) AS mean, round(max(max_exec_time)::numeric, 1) AS most
     FROM pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database WHERE datname = $1) AND query ~ 'DELETE FROM sessions'`,
    [database],
  )
  const [{ calls, mean, most }] = rows
  return `${calls} statements, ${Math.round(dead / calls)} rows and ${mean} ms each on average, ${most} ms at most`
}

function seconds(startedAt) {
  return `${((performance.now() - startedAt) / 1000).toFixed(0)} s`
}

/** The milliseconds of reads that are sent at even intervals whether or not earlier ones were answered, by window. */
async function readAll({ api, mint }, { users: count, session }, number) {
  let sent = 0
  const read = async () => {
    const token = mint('access', session(1 + ((sent * 7919) % count), 0))
    sent += 1
    const startedAt = performance.now()
    await get(api, '/api/v1/auth/session', token)
    return performance.now() - startedAt
  }
  const readFor = async (ms) => {
    const reads = []
    const startedAt = performance.now()
    while (performance.now() - startedAt < ms) {
      reads.push(read())
      await delay(Math.max(0, startedAt + (reads.length * 1000) / readsPerSecond - performance.now()))
    }
    return Promise.all(reads)
  }
  // The compiler settles first.
  if (!warm.has(api)) await readFor(windowMs)
  warm.add(api)
  const result = []
  for (let window = 0; window < number; window += 1) result.push(await readFor(windowMs))
  return result
}

const warm = new Set()

function report({ before, held, during, rest, after }) {
  const p99 = (window) => percentile(window, 99)
  const median = (all, value) => Number(percentile(all.map(value), 50).toFixed(2))
  const summary = (all) => ({
    windows: all.length,
    'p50 ms': median(all, (window) => percentile(window, 50)),
    'p99 ms': median(all, p99),
    'p99 of the worst': Number(Math.max(...all.map(p99)).toFixed(2)),
  })
  console.table({
    before: summary(before),
    'held up': summary(held),
    'during, in turn': summary(during),
    ...(rest.length > 0 && { 'during, then': summary(rest) }),
    after: summary(after),
  })
  const inTurn = held.map((window, index) => p99(during[index]) / p99(window))
  const noise = held.slice(1).map((window, index) => p99(window) / p99(held[index]))
  const [low, middle, high] = [25, 50, 75].map((hundredths) => percentile(inTurn, hundredths).toFixed(2))
  console.log(`p99 during / held up, in turn: median ${middle}, quartiles ${low} and ${high}`)
  const [lowest, usual, highest] = [25, 50, 75].map((hundredths) => percentile(noise, hundredths).toFixed(2))
  console.log(`the noise, p99 held up / the turn before: median ${usual}, quartiles ${lowest} and ${highest}`)
}
