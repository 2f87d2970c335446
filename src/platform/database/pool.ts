import { randomInt } from 'node:crypto'
import type { PoolClient, PoolConfig } from 'pg'
import { Pool } from 'pg'
import { isAstray, isConflict } from './errors.ts'
import { retry } from './retry.ts'

/**
 * A pool that gives no connection out again whose state is unknown or that leads to a node which cannot serve, and that
 * repeats statements outside of transactions which lost against others.
 */
export function createPool(config: PoolConfig, onFailure: (error: unknown) => void = () => undefined): Pool {
  const pool = new Pool(config)
  const idle = new Set<PoolClient>()

  /** Those that were opened earlier lead the same way: without this, each would fail a request before it is replaced. */
  function dropIdle(cause: Error): void {
    // The pool takes an idle connection out at once that reports an error.
    for (const client of idle) client.emit('error', cause)
    idle.clear()
  }

  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...parameters: unknown[]) => unknown
    client.query = ((...parameters: unknown[]) => {
      const pending = query(...parameters)
      // For statements in a transaction. After a failed statement outside one the pool closes the connection by itself.
      if (pending instanceof Promise) {
        pending.catch((error: Error) => {
          onFailure(error)
          if (!isAstray(error)) return
          endAtOnce(client)
          dropIdle(error)
        })
      }
      return pending
    }) as typeof client.query
  })
  // An idle connection breaks when PostgreSQL restarts; the pool drops it, and the next query reports the state.
  pool.on('error', () => undefined)
  pool.on('acquire', (client) => idle.delete(client))
  pool.on('remove', (client) => idle.delete(client))
  pool.on('release', (error, client) => {
    if (error && isAstray(error)) dropIdle(error)
    // Where COMMIT or ROLLBACK failed, the next one would go on in the transaction of this one.
    if (client.getTransactionStatus() !== 'I') endAtOnce(client)
    if (!error) idle.add(client)
  })

  const query = pool.query.bind(pool) as (...parameters: unknown[]) => Promise<unknown>
  // A second reaction to the promise, beside that of the caller, would cut the caller off from the stacks of faults.
  pool.query = (async (...parameters: unknown[]) => {
    try {
      return await repeatConflicts(() => query(...parameters))
    } catch (error) {
      onFailure(error)
      throw error
    }
  }) as typeof pool.query
  return pool
}

/** The pool does not keep a connection that ends. In the middle of a query the socket is closed without a word. */
function endAtOnce(client: PoolClient): void {
  void (client as unknown as { end(): Promise<void> }).end()
}

const shortestPauseMs = 10

/**
 * Does the work again, after a random pause, when PostgreSQL ended it in favour of another transaction (a deadlock, or a
 * serialization failure). The work has to be one transaction, so that nothing of a try that failed remains.
 */
export function repeatConflicts<Result>(work: () => Promise<Result>): Promise<Result> {
  const pauseMs = (tries: number) => randomInt(shortestPauseMs * 2 ** tries)
  return retry(work, { mostTries: 5, isPassing: isConflict, pauseMs })
}
