// A worker process: one of several that serve the port together (WEB_CONCURRENCY). The primary process (cluster.ts) starts it.
import { StartError } from './kernel/errors.ts'
import type { SharedCounters } from './kernel/ports.ts'
import { createLogger } from './platform/logger.ts'
import { createWindowCounters } from './platform/window-counters.ts'
import type { ServerProcess } from './server.ts'
import { createAuthServer } from './server.ts'
import type { ToPrimary, ToWorker } from './workers/messages.ts'
import { createQuestions } from './workers/questions.ts'

/** A primary that is this late is not waited for: the request is worth more than an exact budget. */
const countLimitMs = 500

const counts = createQuestions<{ totalHits: number; resetTime: Date }>(countLimitMs)
let server: ServerProcess | undefined
let isStopping = false
let tellDatabase: (url: string) => void
const databaseUrl = new Promise<string>((resolve) => {
  tellDatabase = resolve
})

function tell(message: ToPrimary): void {
  // The channel is closed when the primary has died, and then this process ends.
  if (process.connected) process.send?.(message, undefined, {}, () => undefined)
}

/** The counts of the primary; without an answer, those of this worker alone. */
function createPrimaryCounters(): SharedCounters {
  const own = createWindowCounters()
  /** Whether a count went unanswered: until one is answered, no request waits for the primary. */
  let silent = false
  return (name, windowMs) => ({
    async increment(key) {
      const counted = own.increment(name, windowMs, key)
      const asked = counts.ask((id) => tell({ type: 'count', id, name, windowMs, key }))
      const shared = asked.then((count) => {
        silent = count === undefined
        return count
      })
      return silent ? counted : ((await shared) ?? counted)
    },
  })
}

async function begin({ config, worker, workers }: ToWorker & { type: 'begin' }): Promise<void> {
  const logger = createLogger(config.logLevel)
  for (const fault of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(fault, (error: unknown) => {
      logger.error({ error, worker }, 'the worker ends by a fault of ours')
      process.exit(1)
    })
  }
  server = createAuthServer(config, logger, { worker, workers, databaseUrl, counters: createPrimaryCounters() })
  try {
    tell({ type: 'ready', port: await server.start() })
  } catch (error) {
    const reason = error instanceof StartError ? error.message : String((error as Error).stack)
    process.send?.({ type: 'failed', reason } satisfies ToPrimary, () => process.exit(1))
  }
}

async function stop(): Promise<void> {
  if (isStopping) return
  isStopping = true
  await server?.stop()
  process.exit(0)
}

// A terminal and systemd send signals to all processes at once: each worker finishes its requests.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGQUIT'] as const) process.on(signal, () => void stop())
process.on('SIGHUP', () => undefined)

process.on('message', (message: ToWorker) => {
  if (message.type === 'begin') void begin(message)
  else if (message.type === 'database') tellDatabase(message.url)
  else if (message.type === 'stop') void stop()
  else if (message.type === 'counted') {
    counts.answer(message.id, { totalHits: message.totalHits, resetTime: new Date(message.resetAt) })
  } else {
    const { id } = message
    const reading = server?.readMetrics() ?? Promise.resolve([])
    reading
      .then((metrics) => tell({ type: 'metrics', id, metrics }))
      .catch(() => tell({ type: 'metrics', id, metrics: [] }))
  }
})

tell({ type: 'listens' })
