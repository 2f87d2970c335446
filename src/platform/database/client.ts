import type { Socket } from 'node:net'
import type { ClientConfig } from 'pg'
import { Client } from 'pg'
import { mayBePlain, tlsConfig } from './tls.ts'

type Callback = (error: unknown) => void

/** The system's own default is two hours, longer than firewalls and load balancers keep a silent connection in mind. */
const keepAlive = { keepAlive: true, keepAliveInitialDelayMillis: 30_000 }

/** A connection that is encrypted as its address says, and that breaks when its other side has gone without a word. */
export class DatabaseClient extends Client {
  /** Why there can be no connection. Not thrown by the constructor: a pool calls it where nothing catches. */
  readonly #fault: unknown

  constructor(config: ClientConfig = {}) {
    const url = config.connectionString ?? ''
    const { settings, fault } = attempt(() => tlsConfig(url))
    super({ ...config, connectionString: undefined, ...settings, ...keepAlive })
    this.#fault = fault
    if (!fault && mayBePlain(url)) acceptPlain(this)
  }

  // With types that fit both forms that this method of `pg` has.
  override connect(...args: never[]): never {
    const [callback] = args as unknown as [Callback | undefined]
    if (!this.#fault) return super.connect(callback as never) as never
    if (!callback) return Promise.reject(this.#fault) as never
    process.nextTick(callback, this.#fault)
    return undefined as never
  }
}

function attempt<Settings>(read: () => Settings): { settings?: Settings; fault?: unknown } {
  try {
    return { settings: read() }
  } catch (fault) {
    return { fault }
  }
}

/** The parts of a connection of `pg` that are used here. */
interface WireConnection {
  readonly stream: Socket
  connect(...address: unknown[]): void
  attachListeners(stream: Socket): void
  emit(event: 'sslconnect'): void
}

/**
 * For `prefer`: goes on without TLS where PostgreSQL answers that it has none, at which `pg` would give up. Where it offers TLS
 * and that fails, the connection fails: libpq would try again in the clear, which serves an attacker who made it fail.
 */
function acceptPlain(client: Client): void {
  const { connection } = client as unknown as { readonly connection: WireConnection }
  const connect = connection.connect.bind(connection)
  connection.connect = (...address) => {
    connect(...address)
    const { stream } = connection
    const [judge] = stream.rawListeners('data') as ((answer: Buffer) => void)[]
    if (!judge) throw new Error('pg waits for the answer to its request for TLS in another way than it did')
    stream.off('data', judge)
    stream.once('data', (answer: Buffer) => {
      if (answer.toString('latin1') !== 'N') return judge(answer)
      connection.attachListeners(stream)
      // The event on which the client continues.
      connection.emit('sslconnect')
    })
  }
}
