import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { RedisStore } from 'rate-limit-redis'
import { createClient } from 'redis'
import { AuthError, requestErrors } from '../kernel/errors.ts'
import type { Logger, SharedCounter, SharedCounters } from '../kernel/ports.ts'

export interface ConnectedRedis {
  readonly counters: SharedCounters
  /** Resolves once it is known whether Redis can be reached, which is logged when it cannot. */
  readonly settled: Promise<void>
  /** Waits for the counts in progress, not long, and closes the connection. */
  readonly close: () => Promise<void>
}

/** How long an answer may take: a Redis that does not answer is as down as one that cannot be reached. */
const answerTimeoutMs = 1000

const retryAfterSeconds = 5

/** One connection to Redis, opened now, and again for as long as it takes whenever it breaks. */
export function connectRedis({ url, logger }: { url: string; logger: Logger }): ConnectedRedis {
  const client = createClient({
    url,
    // The older protocol does all that is asked here, and every Redis and every proxy for it speaks it.
    RESP: 2,
    // A count that waits for a connection would have its request wait with it.
    disableOfflineQueue: true,
    // Pings reveal a connection that broke without an error.
    pingInterval: 2000,
    socket: {
      connectTimeout: 2000,
      socketTimeout: 5000,
      reconnectStrategy: (retries) => Math.min(50 * 2 ** retries, 2000),
    },
  })
  const outage = createOutageLog(logger)
  /** Whether a count went unanswered: until it is answered, other requests do not wait for Redis. */
  let silent = false
  let closing = false
  client.on('error', (error: unknown) => {
    if (!closing) outage.begin(error)
  })
  client.on('ready', outage.end)
  // Settles at the first event, an error included.
  const settled = once(client, 'ready').then(
    () => undefined,
    () => undefined,
  )
  // It fails only when it is closed before it was ever open.
  client.connect().catch(() => undefined)

  async function ask<Answer>(question: () => Promise<Answer>): Promise<Answer> {
    if (silent || !client.isReady) throw unavailable()
    const answer = question()
    const recover = () => {
      silent = false
      if (client.isReady) outage.end()
    }
    try {
      const result = await within(answerTimeoutMs, answer)
      recover()
      return result
    } catch (error) {
      outage.begin(error)
      if (error instanceof Unanswered) {
        silent = true
        answer.then(recover, () => {
          silent = false
        })
      }
      throw unavailable()
    }
  }

  function counterOf(name: string, windowMs: number): SharedCounter {
    let store: Promise<RedisStore> | undefined

    async function openStore(): Promise<RedisStore> {
      const opened = new RedisStore({
        prefix: `auth-server:limit:${name}:`,
        sendCommand: (...words) => client.sendCommand(words),
      })
      await opened.init({ windowMs } as Parameters<RedisStore['init']>[0])
      return opened
    }

    return {
      async increment(key) {
        try {
          return await ask(async () => {
            store ??= openStore()
            return (await store).increment(key)
          })
        } catch (error) {
          // A store that could not load its script once never tries again.
          store = undefined
          throw error
        }
      },
    }
  }

  return {
    counters: counterOf,
    settled,
    async close() {
      closing = true
      if (client.isReady) await Promise.race([client.close(), delay(answerTimeoutMs, undefined, { ref: false })])
      client.destroy()
    },
  }
}

class Unanswered extends Error {}

function within<Answer>(limitMs: number, answer: Promise<Answer>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => reject(new Unanswered()), limitMs)
    const settle = () => clearTimeout(limit)
    answer.finally(settle).then(resolve, reject)
  })
}

function unavailable(): AuthError {
  return new AuthError(requestErrors.limits_unavailable, { retryAfterSeconds })
}

/** Tells of an outage once, when it begins, and once more when it is over. */
function createOutageLog(logger: Logger): { begin: (cause: unknown) => void; end: () => void } {
  let down = false
  return {
    begin(cause) {
      if (down) return
      down = true
      logger.warn(
        { reason: reasonOf(cause) },
        'the Redis of REDIS_URL cannot count requests: until it can, endpoints that take a password or send mail answer 503 ' +
          'and the others are not limited',
      )
    },
    end() {
      if (!down) return
      down = false
      logger.warn({}, 'the Redis of REDIS_URL counts requests again')
    },
  }
}

/** A code, as messages can hold parts of REDIS_URL: that of the socket, or the first word of Redis' own refusal. */
function reasonOf(cause: unknown): string {
  if (cause instanceof Unanswered) return 'no answer'
  const { code, message } = cause as { code?: unknown; message?: unknown }
  return typeof code === 'string' ? code : (/^[A-Z]{2,}\b/.exec(String(message))?.[0] ?? 'the connection broke')
}
