// Sends the same requests to this server and to Django REST framework, and compares: npm run test:conformance
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readOptions } from '../support/options.mjs'
import { differingParts, essence } from './compare.mjs'
import { differences } from './differences.mjs'
import { rowsOf } from './rows.mjs'
import { sharedKeyRows } from './shared-key.mjs'
import { aged, post, startOurs, startReference, stopAll } from './sides.mjs'
import { contracts, password } from './views.mjs'

const usage = `Usage: node tests/conformance/run.mjs [--contract <name>] [--all] [--help]

Starts the built server (npm run build) and Django REST framework with SimpleJWT (Debian packages
python3-djangorestframework and python3-djangorestframework-simplejwt) on free ports of this machine, sends the
same requests to both and compares status, headers and bodies.

  --contract  only this one: ${Object.keys(contracts).join(', ')}
  --all       print both answers of every row that differs, also where that is meant
  --help      show this
`

const longestRunMs = 600_000

const options = readOptions(
  { contract: { type: 'string' }, all: { type: 'boolean' }, help: { type: 'boolean' } },
  usage,
)
if (options.help) process.stdout.write(usage)
else process.exitCode = await main()

async function main() {
  if (options.contract && !(options.contract in contracts)) throw new Error(`there is no contract ${options.contract}`)
  const names = options.contract ? [options.contract] : Object.keys(contracts)
  const dataDir = await mkdtemp(join(tmpdir(), 'auth-conformance-'))
  const end = async () => {
    await stopAll()
    await rm(dataDir, { recursive: true, force: true })
  }
  const giveUp = async (why) => {
    console.error(`The comparison was given up: ${why}`)
    await end()
    process.exit(1)
  }
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, giveUp)
  const timeLimit = setTimeout(giveUp, longestRunMs, 'it took too long')
  try {
    const [ours, ...references] = await Promise.all([startOurs(dataDir), ...names.map(startReference)])
    const results = []
    for (const [position, name] of names.entries()) {
      results.push(...(await compareContract(name, ours, references[position])))
    }
    return report(results, options.contract ? [] : await sharedKeyRows(ours))
  } finally {
    clearTimeout(timeLimit)
    await end()
  }
}

async function compareContract(contract, ours, reference) {
  const sides = await Promise.all([prepare(contract, ours), prepare(contract, reference)])
  const results = []
  for (const [index, row] of rowsOf(contract).entries()) {
    const answers = await Promise.all(sides.map((side) => ask(row, index + 1, side)))
    const [mine, theirs] = answers.map((answer) => essence(answer, row.values))
    results.push({ title: row.title, mine, theirs, parts: differingParts(mine, theirs) })
  }
  return results
}

/** The users of a contract on one side: an active and an inactive one. */
async function prepare(contract, side) {
  const { prefix, login } = contracts[contract]
  const named = (username) => ({ username, email: `${username}@example.com`, password })
  const user = named(`ada-${contract}`)
  const inactive = named(`ida-${contract}`)
  await side.makeUser({ ...user, from: addressOf(contract, 0) })
  await side.makeUser({ ...inactive, from: addressOf(contract, 0), isActive: false })
  return { ...side, contract, prefix, login, user, inactive, named }
}

/** Sends one row as a logged-in user, with a session that no row before it may have ended. */
async function ask(row, index, side) {
  const { contract, prefix, named } = side
  const from = addressOf(contract, index)
  const send = (request) => side.send({ ...request, path: prefix + request.path, from })
  const name = `row-${index}-${contract}`
  const user = row.ownUser ? named(`user-${index}-${contract}`) : side.user
  if (row.ownUser) await side.makeUser({ ...user, from })
  if (!side.session || row.ownUser) side.session = await logIn(user, send, side)
  const { session } = side
  const spend = (path) => {
    side.session = undefined
    return send(post(path, { [session.refreshField]: session.refresh }))
  }
  const refreshPath = contracts[contract].views.find(({ path }) => path.endsWith('refresh/')).path
  const request = await row.make({
    ...{ index, name, user, inactive: side.inactive, session, send },
    makeUser: (owner) => side.makeUser({ ...owner, from }),
    aged: (kind) => aged(session[kind], side.keyOf(kind)),
    logOut: () => spend('/logout/'),
    refresh: () => spend(refreshPath),
  })
  if (row.spendsSession) side.session = undefined
  return send(request)
}

async function logIn(user, send, { login }) {
  const { status, text } = await send(post(login.path, { [login.identifier]: user[login.identifier], password }))
  if (status !== 200) throw new Error(`${user.username} cannot log in: ${status} ${text}`)
  const { access, refresh, access_token, refresh_token } = JSON.parse(text)
  return access === undefined
    ? { access: access_token, refresh: refresh_token, refreshField: 'refresh_token' }
    : { access, refresh, refreshField: 'refresh' }
}

function addressOf(contract, index) {
  return `10.${Object.keys(contracts).indexOf(contract)}.${index >> 8}.${index & 255}`
}

function report(results, others) {
  const used = new Set()
  let failed = others.filter(({ isMeant }) => !isMeant).length
  for (const { title, status, isMeant } of others)
    console.log(`${(isMeant ? 'ok' : 'FAILED').padEnd(9)}  ${status}  ${title}`)
  for (const { title, mine, theirs, parts } of results) {
    const difference = differences.find(({ rows, only = / / }) => rows.test(title) && only.test(title))
    if (difference) used.add(difference)
    // A fault is never an intended difference.
    const isMeant = parts[0] === difference?.part && mine.status < 500 && theirs.status < 500
    const verdict = !isMeant ? 'FAILED' : difference ? 'different' : 'ok'
    console.log(`${verdict.padEnd(9)}  ${mine.status}  ${title}${difference ? `  (${difference.reason})` : ''}`)
    if (!isMeant) failed += 1
    if (!isMeant && difference) console.log(`           meant to differ in: ${difference.part}`)
    if (isMeant && !options.all) continue
    for (const part of parts) {
      console.log(`           ${part}: ours ${JSON.stringify(mine[part])}, theirs ${JSON.stringify(theirs[part])}`)
    }
  }
  // When all rows are sent, each difference has to match some.
  const unused = options.contract ? [] : differences.filter((difference) => !used.has(difference))
  for (const { rows, reason } of unused) console.log(`FAILED     no row is ${rows}  (${reason})`)
  console.log(`\n${results.length + others.length - failed} passed, ${failed + unused.length} failed`)
  return failed + unused.length > 0 ? 1 : 0
}
