import { readFile } from 'node:fs/promises'
import { cpuMs, get, password, percentile, post, register, startServer, withDataDir } from './server.mjs'

const counts = [1, 2, 4]
const rounds = 3
const windowMs = 4000
/** Enough requests at once that no worker is idle. */
const width = 16

/** Session reads and logins a second with 1, 2 and 4 workers, in turn, and for each second of CPU time of the server's processes. */
export function measureWorkers() {
  return withDataDir(async (dataDir) => {
    const results = []
    for (let round = 0; round < rounds; round += 1) {
      for (const workers of counts) {
        const settings = { BCRYPT_COST: '10', WEB_CONCURRENCY: String(workers) }
        const server = await startServer({ dataDir, settings })
        const { access_token } = await register(server.api, `reader${round}x${workers}`)
        // Of many logins of one user at once, a worker refuses some: those in progress at the others count as failed.
        const usernames = Array.from({ length: width }, (_, lane) => `bench${round}x${workers}x${lane}`)
        for (const username of usernames) await register(server.api, username)
        const read = () => get(server.api, '/api/v1/auth/session', access_token)
        const logIn = async (lane) => {
          const { status } = await post(server.api, '/login_credentials', { username: usernames[lane], password })
          if (status !== 200) throw new Error(`logging in failed with ${status}`)
        }
        // The compiler settles first.
        await load(server, read)
        results.push({ workers, reads: await load(server, read), logins: await load(server, logIn) })
        await server.stop()
      }
    }
    const table = counts.map((workers) => {
      const median = (choose) => {
        const values = results.filter((result) => result.workers === workers).map(choose)
        return Number(percentile(values, 50).toFixed(1))
      }
      return {
        workers,
        'reads/s': median(({ reads }) => reads.perSecond),
        'reads per CPU second': median(({ reads }) => reads.perCpuSecond),
        'logins/s': median(({ logins }) => logins.perSecond),
        'logins per CPU second': median(({ logins }) => logins.perCpuSecond),
      }
    })
    console.table(table)
    console.log(`medians of ${rounds} rounds; PostgreSQL and the sender of the load use the same cores`)
  })
}

async function load({ pid }, work) {
  const processes = [pid, ...(await childrenOf(pid))]
  const cpu = async () => (await Promise.all(processes.map(cpuMs))).reduce((sum, ms) => sum + ms, 0)
  const cpuBefore = await cpu()
  const startedAt = performance.now()
  let done = 0
  await Promise.all(
    Array.from({ length: width }, async (_, lane) => {
      while (performance.now() - startedAt < windowMs) {
        await work(lane)
        done += 1
      }
    }),
  )
  const seconds = (performance.now() - startedAt) / 1000
  return { perSecond: done / seconds, perCpuSecond: (done * 1000) / ((await cpu()) - cpuBefore) }
}

/** The workers of the server, but not its PostgreSQL. */
async function childrenOf(pid) {
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).split(' ').filter(Boolean)
  const names = await Promise.all(children.map((child) => readFile(`/proc/${child}/comm`, 'utf8')))
  return children.filter((_child, index) => /node/i.test(names[index])).map(Number)
}
