import { setTimeout as delay } from 'node:timers/promises'
import type { Registry } from 'prom-client'
import { Gauge } from 'prom-client'

/** The connections to the database, and the works that wait for one. */
interface PoolLoad {
  readonly total: number
  readonly idle: number
  readonly waiting: number
  readonly limit: number
}

/** The mails of one state, and the age of the oldest in seconds. */
interface MailsOfState {
  readonly state: string
  readonly count: number
  readonly oldestSeconds: number
}

export interface Watched {
  readonly pool: () => PoolLoad
  /** A statement, so the answer is kept for some seconds. */
  readonly mails: () => Promise<readonly MailsOfState[]>
}

const keptMs = 5000

/** Prometheus gives a scrape up after ten seconds. */
const limitMs = 2000

export function addWatched(registers: Registry[], { pool, mails }: Watched): void {
  new Gauge({
    name: 'auth_database_connections',
    help: 'Connections to the database, by state.',
    labelNames: ['state'],
    registers,
    collect() {
      const { total, idle } = pool()
      this.set({ state: 'idle' }, idle)
      this.set({ state: 'busy' }, total - idle)
    },
  })
  new Gauge({
    name: 'auth_database_connections_limit',
    help: 'Connections to the database that are opened at most (DATABASE_POOL).',
    registers,
    collect() {
      this.set(pool().limit)
    },
  })
  new Gauge({
    name: 'auth_database_waiting',
    help: 'Statements and transactions that wait for a connection to the database.',
    registers,
    collect() {
      this.set(pool().waiting)
    },
  })
  const readMails = keep(mails)
  const addMails = (name: string, help: string, read: (mailsOfState: MailsOfState) => number) =>
    new Gauge({
      name,
      help: `${help} Absent while the database does not answer.`,
      labelNames: ['state'],
      registers,
      async collect() {
        const states = await readMails()
        this.reset()
        for (const each of states) this.set({ state: each.state }, read(each))
      },
    })
  addMails('auth_mails', 'Mails of the outbox, of all instances, by state.', ({ count }) => count)
  addMails('auth_mails_oldest_age_seconds', 'Age of the oldest mail of each state.', (each) => each.oldestSeconds)
}

/** The answer, kept for a while; empty where there is none in time. */
function keep<Item>(ask: () => Promise<readonly Item[]>): () => Promise<readonly Item[]> {
  let current: Promise<readonly Item[]> | undefined
  let askedAt = 0
  return () => {
    if (!current || performance.now() - askedAt > keptMs) {
      askedAt = performance.now()
      const answer = ask().catch(() => [])
      current = Promise.race([answer, delay(limitMs, [], { ref: false })])
    }
    return current
  }
}
