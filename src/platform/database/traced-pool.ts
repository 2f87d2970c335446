import { AsyncResource } from 'node:async_hooks'
import type { Pool } from 'pg'

/** Called when a statement begins; returns what is called when it ends. */
export type StartStatement = (sql: string) => (error?: unknown) => void

type Callback = (error: unknown, ...results: unknown[]) => void
type Call = (...parameters: unknown[]) => unknown

/** Tells of every statement that goes over the pool. */
export function tracePool(pool: Pool, start: StartStatement): void {
  const connect = pool.connect.bind(pool) as Call
  // A connection that is waited for comes when another request gives it back: what follows is a part of this one.
  pool.connect = ((callback?: Callback) =>
    callback ? connect(AsyncResource.bind(callback)) : connect()) as typeof pool.connect
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as Call
    client.query = ((...parameters: unknown[]) => {
      const [statement] = parameters
      const end = start(typeof statement === 'string' ? statement : String((statement as { text?: string }).text))
      const callback = parameters.at(-1)
      if (typeof callback === 'function') {
        const ended: Callback = (error, ...results) => {
          end(error)
          callback(error, ...results)
        }
        return query(...parameters.slice(0, -1), ended)
      }
      const pending = query(...parameters)
      if (pending instanceof Promise) pending.then(() => end(), end)
      return pending
    }) as typeof client.query
  })
}
