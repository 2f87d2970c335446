// Measures whether response times reveal which accounts exist: npm run test:timing [-- --help]
import { createWriteStream } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { post, startServer, withDataDir } from '../../bench/server.mjs'
import { readOptions } from '../support/options.mjs'
import { endpoints } from './endpoints.mjs'
import { bcryptCost, withDatabase } from './fixtures.mjs'
import { median, rankAuc, shuffled } from './statistics.mjs'

const mostMs = 5
const aucRange = [0.4, 0.6]
const warmUp = 40

const usage = `Usage: npm run test:timing -- [--endpoint <name>]… [--samples 500] [--rounds 1] [--raw <file>] [--help]

Starts the built server with a PostgreSQL of its own in a temporary directory (bcrypt at cost ${bcryptCost}, no limits per
address, the mail worker and the development mailbox at work), makes users of every class, and sends requests about them over one
kept connection: so many samples of each class, all classes in turn, in random order. A class passes if its median
is less than ${mostMs} ms from that of its reference, an unknown user, and its rank AUC is within ${aucRange.join(' to ')}. Exits with 1 when one fails.

  --endpoint  only this one; may be given several times:
${Object.keys(endpoints)
  .map((name) => `              ${name}`)
  .join('\n')}
  --samples   how many of each class
  --rounds    how often everything is done, each time on a new server
  --raw       where the samples go, as CSV; otherwise into the directory for temporary files
  --help      show this

Measure on a machine that does nothing else.
`

const options = readOptions(
  {
    endpoint: { type: 'string', multiple: true },
    samples: { type: 'string', default: '500' },
    rounds: { type: 'string', default: '1' },
    raw: { type: 'string' },
    help: { type: 'boolean' },
  },
  usage,
)
const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => interrupted.abort(new Error(signal)))
if (options.help) process.stdout.write(usage)
else await main()

async function main() {
  const names = options.endpoint ?? Object.keys(endpoints)
  const [samples, rounds] = [Number(options.samples), Number(options.rounds)]
  const isUsable = names.every((name) => name in endpoints) && samples >= 1 && rounds >= 1
  if (!isUsable) {
    process.stderr.write(usage)
    process.exitCode = 2
    return
  }
  const rawFile = resolve(options.raw ?? join(tmpdir(), `auth-timing-${Date.now()}.csv`))
  const raw = createWriteStream(rawFile)
  raw.write('round,endpoint,class,sample,ms\n')
  const passed = Object.fromEntries(names.map((name) => [name, 0]))
  for (let round = 1; round <= rounds; round += 1) {
    for (const name of names) {
      const results = await measure(endpoints[name], samples)
      for (const [kind, times] of Object.entries(results)) {
        times.forEach((ms, index) => {
          raw.write(`${round},"${name}",${kind},${index},${ms.toFixed(4)}\n`)
        })
      }
      const table = judge(endpoints[name], results)
      console.log(`\nround ${round}: ${name}, ${samples} of each`)
      console.table(table)
      if (Object.values(table).every(({ verdict }) => verdict !== 'FAIL')) passed[name] += 1
    }
  }
  await new Promise((done) => raw.end(done))
  console.log(`\nraw samples: ${rawFile}`)
  for (const [name, times] of Object.entries(passed)) {
    console.log(`${times === rounds ? 'PASS' : 'FAIL'} ${name}: ${times} of ${rounds} rounds`)
  }
  process.exitCode = Object.values(passed).every((times) => times === rounds) ? 0 : 1
}

/** How long each answer took, in ms, by class. */
function measure({ path, body, classes, settings = {} }, samples) {
  return withDataDir(async (dataDir) => {
    const measured = { BCRYPT_COST: String(bcryptCost), HOST: '127.0.0.1', LOG_LEVEL: 'info', ...settings }
    const server = await startServer({ dataDir, settings: measured })
    // The request is over by then, and so is the server.
    const deadline = setTimeout(() => server.stop(), 60_000 + samples * 2000)
    try {
      const count = samples + warmUp
      const accountsByClass = await withDatabase(dataDir, (db) =>
        makePeople(db, server.api, { path, body, classes, count }),
      )
      return await interleave(server.api, path, accountsByClass)
    } finally {
      clearTimeout(deadline)
      await server.stop()
    }
  })
}

async function makePeople(db, api, { path, body, classes, count }) {
  const accountsByClass = {}
  for (const [kind, makeClass] of Object.entries(classes)) {
    const accounts = await makeClass(db, count, (account) => post(api, path, body(account)))
    accountsByClass[kind] = accounts.map(body)
  }
  // As if the accounts had been made one by one, and the database had analysed them long ago.
  await db.query('ANALYZE')
  return accountsByClass
}

async function interleave(api, path, accountsByClass) {
  const kinds = Object.keys(accountsByClass)
  const results = Object.fromEntries(kinds.map((kind) => [kind, []]))
  const statuses = new Set()
  for (let index = 0; index < accountsByClass[kinds[0]].length; index += 1) {
    // Programs started here are ended on the way out.
    interrupted.signal.throwIfAborted()
    for (const kind of shuffled(kinds)) {
      const startedAt = performance.now()
      const { status } = await post(api, path, accountsByClass[kind][index])
      const ms = performance.now() - startedAt
      statuses.add(status)
      if (index >= warmUp) results[kind].push(ms)
    }
  }
  if (statuses.size > 1) throw new Error(`${path} answers with ${[...statuses].join(' and ')}`)
  return results
}

function judge({ references = {} }, results) {
  const rows = Object.entries(results).map(([kind, times]) => {
    const reference = references[kind] ?? 'unknown'
    const row = { 'median ms': rounded(median(times), 2), 'than the median of': reference }
    if (kind === reference) return [kind, { ...row, 'than the median of': '' }]
    const difference = median(times) - median(results[reference])
    const auc = rankAuc(times, results[reference])
    const isAlike = Math.abs(difference) < mostMs && auc >= aucRange[0] && auc <= aucRange[1]
    const verdict = isAlike ? 'PASS' : 'FAIL'
    return [kind, { ...row, 'more ms': rounded(difference, 2), AUC: rounded(auc, 3), verdict }]
  })
  return Object.fromEntries(rows)
}

function rounded(value, digits) {
  return Number(value.toFixed(digits))
}
