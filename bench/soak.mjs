// Memory of the server in half an hour of mixed load: what is kept for each request shows as growth.
import { get, inParallel, password, post, register, residentMiB, startServer, withDataDir } from './server.mjs'

const [users, minutes, roundsPerMinute] = [8, 30, 60]

/** What a user does in a round: each endpoint that is asked often, and refusals. */
async function live(api, name, round) {
  const { status, body } = await post(api, '/login_credentials', { username: name, password })
  if (status !== 200) throw new Error(`logging in failed with ${status}`)
  await get(api, '/api/v1/auth/session', body.access_token)
  await get(api, '/api/v1/auth/sessions', body.access_token)
  const refreshed = await post(api, '/access_token', { refresh_token: body.refresh_token })
  await post(api, '/login_credentials', { username: `${name}-unknown-${round}`, password: 'a wrong password' })
  await post(api, '/forgot_password', { email: `${name}@example.com` })
  await post(api, '/logout', { refresh_token: refreshed.body.refresh_token })
}

export async function measureSoak() {
  await withDataDir(async (dataDir) => {
    const server = await startServer({ dataDir, settings: { BCRYPT_COST: '4' } })
    const names = Array.from({ length: users }, (_, index) => `bench${index}`)
    const table = { start: { MiB: await residentMiB(server.pid), requests: 0 } }
    await inParallel(4, names, (name) => register(server.api, name))
    let requests = users
    for (let minute = 1; minute <= minutes; minute += 1) {
      for (let round = 0; round < roundsPerMinute; round += 1) {
        const nextRoundAt = performance.now() + 60_000 / roundsPerMinute
        await inParallel(4, names, (name) => live(server.api, name, round))
        requests += users * 7
        await new Promise((resolve) => setTimeout(resolve, Math.max(0, nextRoundAt - performance.now())))
      }
      table[`after ${minute} min`] = { MiB: await residentMiB(server.pid), requests }
      console.log(`${minute} of ${minutes} min: ${table[`after ${minute} min`].MiB} MiB`)
    }
    await server.stop()
    const shown = ['start', ...[1, 5, 10, 20, 30].map((minute) => `after ${minute} min`)]
    console.table(Object.fromEntries(Object.entries(table).filter(([name]) => shown.includes(name))))
  })
}
