// Races requests through two processes of the built server (npm run build) on one database, and counts broken promises:
// npm run bench:races -- [rounds [family …]]. Each round has users of its own and 50 requests at once.
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { startEmbeddedPostgres } from '../dist/embedded-postgres.js'
import { get, post, startServer, withDataDir } from './server.mjs'

const racers = 50
const firstPassword = 'correct horse battery'

const families = {
  /** All get the same successor: the session advances once. */
  'one refresh token': async (world) => {
    const { refresh_token } = await world.register()
    const answers = await world.race(() => ['/access_token', { refresh_token }])
    return [
      ...expectOnly(answers, { 200: racers }),
      ...expect(new Set(answers.map(({ body }) => body.refresh_token)).size, 1, 'successors'),
    ]
  },
  'one refresh token, without grace': async (world) => {
    const { refresh_token } = await world.register()
    const answers = await world.race(() => ['/access_token', { refresh_token }])
    const [winner] = answers.filter(({ status }) => status === 200)
    return [
      ...expectOnly(answers, { 200: 1, 401: racers - 1 }),
      ...(await world.expectDead([winner].filter((answer) => answer !== undefined))),
    ]
  },
  'refreshes and a logout': async (world) => {
    const { refresh_token } = await world.register()
    const answers = await world.race((index) => [index === 25 ? '/logout' : '/access_token', { refresh_token }])
    return world.expectDead([{ body: { refresh_token } }, ...answers.filter(({ body }) => body.refresh_token)])
  },
  'refreshes and a reset of the password': async (world) => {
    const { refresh_token, user } = await world.register()
    const token = await world.mailed('/forgot_password', user.email, 'reset-password')
    const answers = await world.race((index) =>
      index === 25
        ? ['/reset_password', { token, new_password: 'after the reset' }]
        : ['/access_token', { refresh_token }],
    )
    return [
      ...expect(answers[25].status, 200, 'the status of the reset'),
      ...(await world.expectDead([{ body: { refresh_token } }, ...answers.filter(({ body }) => body.refresh_token)])),
      ...(await world.expectLogin(user, 'after the reset')),
    ]
  },
  'one reset token': async (world) => {
    const { user } = await world.register()
    const token = await world.mailed('/forgot_password', user.email, 'reset-password')
    const passwords = Array.from({ length: racers }, (_, index) => `new password number ${index}`)
    const answers = await world.race((index) => ['/reset_password', { token, new_password: passwords[index] }])
    const winner = answers.findIndex(({ status }) => status === 200)
    return [
      ...expectOnly(answers, { 200: 1, 400: racers - 1 }),
      ...(await world.expectLogin(user, passwords[winner] ?? 'no winner')),
    ]
  },
  'one verification token': async (world) => {
    const { user } = await world.register()
    const token = await world.mailed(undefined, user.email, 'verify-email')
    const answers = await world.race(() => ['/verify_email', { token }])
    return expectOnly(answers, { 200: racers })
  },
  'one name': async (world) => {
    const username = world.newName()
    const answers = await world.race((index) => [
      '/register_credentials',
      { username, email: `${username}.${index}@example.com`, password: firstPassword },
    ])
    return expectOnly(answers, { 201: 1, 400: racers - 1 })
  },
  'one password, changed': async (world) => {
    const { user, access_token } = await world.register()
    const passwords = Array.from({ length: racers }, (_, index) => `new password number ${index}`)
    const answers = await world.race((index) => [
      '/change_password',
      { current_password: firstPassword, new_password: passwords[index] },
      access_token,
    ])
    const winners = answers.flatMap(({ status }, index) => (status === 200 ? [index] : []))
    // Those that came after the winner had the wrong password, and count as guesses.
    await world.forgetFailures(user)
    return [
      ...expect(winners.length, 1, 'changes'),
      ...(await world.expectLogin(user, passwords[winners[0]] ?? 'no winner')),
    ]
  },
  /** Each locks the session and the limits of notices: in another order they would deadlock. */
  'a copied token and a change of password': async (world) => {
    const { user, ...first } = await world.register()
    const last = await world.refresh(await world.refresh(first))
    const answers = await world.race((index) =>
      index === 25
        ? ['/change_password', { current_password: firstPassword, new_password: 'after the change' }, last.access_token]
        : ['/access_token', { refresh_token: first.refresh_token }],
    )
    const changed = answers[25].status === 200
    return [
      ...expectNoFault(answers),
      ...(await world.expectDead([{ body: last }, ...(changed ? [answers[25]] : [])])),
      ...(await world.expectLogin(user, changed ? 'after the change' : firstPassword)),
    ]
  },
  /** All requests that change one user: the first is done, the rest is refused or done, and none fails. */
  'everything at once': async (world) => {
    const { user, ...first } = await world.register()
    const last = await world.refresh(await world.refresh(first))
    const token = await world.mailed('/forgot_password', user.email, 'reset-password')
    const verification = await world.mailed(undefined, user.email, 'verify-email')
    const { access_token, refresh_token } = last
    const requests = [
      ['/access_token', { refresh_token: first.refresh_token }],
      ['/access_token', { refresh_token }],
      ['/change_password', { current_password: firstPassword, new_password: 'after the change' }, access_token],
      ['/reset_password', { token, new_password: 'after the reset' }],
      ['/verify_email', { token: verification }],
      ['/resend_verification', { email: user.email }],
      ['/forgot_password', { email: user.email }],
      ['/login_credentials', { username: user.username, password: firstPassword }],
      ['/logout_all', {}, access_token],
      ['/logout', { refresh_token }],
    ]
    return expectNoFault(await world.race((index) => requests[index % requests.length]))
  },
  'wrong passwords': async (world) => {
    const { user } = await world.register()
    const name = (index) => (index % 2 === 0 ? user.username : user.email)
    const answers = await world.race((index) => ['/login_credentials', { username: name(index), password: 'a guess' }])
    return [...expectOnly(answers, { 401: racers }), ...expect(await world.failures(user), 5, 'comparisons')]
  },
}

/** Families that need other settings than the defaults. */
const settingsOf = { 'one refresh token, without grace': { REFRESH_GRACE: '0s' } }

function expect(found, wanted, what) {
  return found === wanted ? [] : [`${what}: ${found} instead of ${wanted}`]
}

function expectOnly(answers, wanted) {
  const statuses = [...new Set([...answers.map(({ status }) => String(status)), ...Object.keys(wanted)])]
  return statuses.flatMap((status) =>
    expect(
      answers.filter((answer) => String(answer.status) === status).length,
      wanted[status] ?? 0,
      `answers ${status}`,
    ),
  )
}

function expectNoFault(answers) {
  return expect(answers.filter(({ status }) => status >= 500).length, 0, 'answers that say that the server failed')
}

/** The requests of each family, sent through both servers in turn. */
function createWorld(servers, database) {
  let requests = 0
  const ask = (path, body, token) => {
    requests += 1
    return post(servers[requests % servers.length].api, path, body, { accessToken: token })
  }
  const newName = () => `racer-${randomUUID()}`
  return {
    newName,
    requests: () => requests,
    race: (requestOf) => Promise.all(Array.from({ length: racers }, (_, index) => ask(...requestOf(index)))),
    async register() {
      const username = newName()
      const sent = { username, email: `${username}@example.com`, password: firstPassword }
      const { status, body } = await ask('/register_credentials', sent)
      if (status !== 201) throw new Error(`registering failed: ${JSON.stringify(body)}`)
      return body
    },
    async refresh({ refresh_token }) {
      const { status, body } = await ask('/access_token', { refresh_token })
      if (status !== 200) throw new Error(`refreshing failed: ${JSON.stringify(body)}`)
      return body
    },
    /** The token of the mail that the request causes, or that registering caused. */
    async mailed(path, email, kind) {
      if (path !== undefined) await ask(path, { email })
      for (let look = 0; look < 200; look += 1) {
        const { mails } = await get(servers[0].api, '/mailbox.json')
        const mail = mails.find(({ to, text }) => to === email && text.includes(`/${kind}#token=`))
        if (mail) return new RegExp(`/${kind}#token=([\\w-]+)`).exec(mail.text)[1]
      }
      throw new Error(`no mail to ${kind} came`)
    },
    async expectDead(answers) {
      const tokens = [...new Set(answers.map(({ body }) => body.refresh_token))]
      const refreshed = await Promise.all(tokens.map((refresh_token) => ask('/access_token', { refresh_token })))
      const access = answers.flatMap(({ body }) => body.access_token ?? []).slice(0, 3)
      const used = await Promise.all(access.map((token) => ask('/logout_all', {}, token)))
      return [...expectOnly(refreshed, { 401: tokens.length }), ...expectOnly(used, { 401: access.length })]
    },
    async expectLogin({ username }, password) {
      const { status } = await ask('/login_credentials', { username, password })
      return expect(status, 200, 'the status of a login with the password that won')
    },
    async forgetFailures({ id }) {
      await database.query('DELETE FROM password_attempts WHERE throttle_key = $1', [`user:${id}`])
    },
    async failures({ id }) {
      const { rows } = await database.query('SELECT failures FROM password_attempts WHERE throttle_key = $1', [
        `user:${id}`,
      ])
      return rows[0]?.failures
    },
  }
}

async function raceFamily(name, url, database, rounds) {
  const settings = {
    DATABASE_URL: url,
    PUBLIC_URL: 'http://localhost:3000',
    SECRET_KEY: randomUUID() + randomUUID(),
    BCRYPT_COST: '4',
    ...settingsOf[name],
  }
  const servers = await Promise.all([startServer({ settings }), startServer({ settings })])
  try {
    const world = createWorld(servers, database)
    const violations = []
    for (let round = 0; round < rounds; round += 1) violations.push(...(await families[name](world)))
    for (const violation of new Set(violations)) console.log(`${name}: ${violation}`)
    return { rounds, requests: world.requests(), violations: violations.length }
  } finally {
    await Promise.all(servers.map((server) => server.stop()))
  }
}

const [wantedRounds = '20', ...wanted] = process.argv.slice(2)
const rounds = Number(wantedRounds)
if (!Number.isInteger(rounds) || rounds < 1 || wanted.some((name) => !Object.hasOwn(families, name))) {
  console.log(`npm run bench:races -- [rounds [family …]]   (20 rounds of each family when not said)
families: ${Object.keys(families).join('; ')}`)
  process.exit(wantedRounds === '--help' ? 0 : 2)
}
const results = {}
await withDataDir(async (dataDir) => {
  const postgres = await startEmbeddedPostgres({ dataDir })
  const database = new pg.Client({ connectionString: postgres.url })
  await database.connect()
  for (const name of wanted.length > 0 ? wanted : Object.keys(families))
    results[name] = await raceFamily(name, postgres.url, database, rounds)
  await database.end()
  await postgres.stop()
})
console.table(results)
process.exitCode = Object.values(results).some(({ violations }) => violations > 0) ? 1 : 0
