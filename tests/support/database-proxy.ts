import { once } from 'node:events'
import type { AddressInfo, Server, Socket } from 'node:net'
import { connect, createServer } from 'node:net'

/** A proxy between a server and its database that a test can cut, and that counts statements. */
export interface DatabaseProxy {
  readonly url: string
  /** The number of statements sent so far. */
  executed(): number
  /** Breaks all connections and accepts no new ones. */
  cut(): Promise<void>
  mend(): Promise<void>
  /** From now on accepts connections and bytes and passes nothing on. */
  swallow(): void
  /** Passes the bytes of new connections on again; connections opened before stay silent. */
  deliver(): void
}

export async function startDatabaseProxy(databaseUrl: string): Promise<DatabaseProxy> {
  const target = new URL(databaseUrl)
  const sockets = new Set<Socket>()
  let port = 0
  let statements = 0
  let server: Server
  let swallows = false

  async function mend(): Promise<void> {
    server = createServer((client) => {
      const upstream = connect(Number(target.port), target.hostname)
      for (const socket of [client, upstream]) {
        sockets.add(socket)
        socket.on('error', () => undefined)
        socket.on('close', () => {
          sockets.delete(socket)
          client.destroy()
          upstream.destroy()
        })
      }
      client.on(
        'data',
        statementCounter(() => statements++),
      )
      if (!swallows) client.pipe(upstream).pipe(client)
    })
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
  }

  await mend()
  const url = new URL(databaseUrl)
  url.hostname = '127.0.0.1'
  url.port = String(port)
  return {
    url: url.href,
    executed: () => statements,
    mend,
    swallow() {
      swallows = true
      for (const socket of sockets) socket.unpipe()
    },
    deliver() {
      swallows = false
    },
    async cut() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

/** The first message of a client that asks for TLS. */
const tlsRequest = 80_877_103

/** Reads the messages of a PostgreSQL client: a type, a length and so many bytes; the first message has no type. */
function statementCounter(onStatement: () => void): (chunk: Buffer) => void {
  let unread = Buffer.alloc(0)
  let typeLength = 0
  return (chunk) => {
    unread = Buffer.concat([unread, chunk])
    while (unread.length >= typeLength + 4) {
      const length = typeLength + unread.readUInt32BE(typeLength)
      if (unread.length < length) return
      // Query and Execute.
      if (typeLength === 1 && 'QE'.includes(String.fromCharCode(unread[0] ?? 0))) onStatement()
      const asksForTls = typeLength === 0 && unread.readUInt32BE(4) === tlsRequest
      unread = unread.subarray(length)
      typeLength = asksForTls ? 0 : 1
    }
  }
}
