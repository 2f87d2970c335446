import { once } from 'node:events'
import type { AddressInfo, Server, Socket } from 'node:net'
import { connect, createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** `up` leads to the service, `down` to its client. */
type Direction = 'up' | 'down'
const directions: readonly Direction[] = ['up', 'down']

/** One connection through the proxy. */
export interface ProxiedConnection {
  /** The port from which it reaches the service. */
  readonly sourcePort: number
  /** Sends bytes to the client in place of the service. */
  answer(bytes: Buffer): void
  /** Breaks it with a reset, at both ends. */
  reset(): void
  /** Keeps it open and passes nothing on any more in this direction, not even its end; in both when none is named. */
  silence(direction?: Direction): void
}

/** A TCP proxy whose network a test breaks. It works for any protocol: PostgreSQL, Redis, SMTP. */
export interface FaultProxy {
  readonly port: number
  /** The number of connections that are open. */
  open(): number
  /** From now on bytes arrive so much later; in both directions when none is named. */
  delay(ms: number, direction?: Direction): void
  /** From now on each connection carries so many bytes a second. */
  throttle(bytesPerSecond: number, direction?: Direction): void
  /** Each connection, open or new, is reset after so many further bytes. */
  cutAfter(bytes: number, direction: Direction): void
  /** Resets the open connections. New ones work. */
  reset(): void
  /** From now on accepts connections and bytes and passes nothing on, as a network that drops packets. */
  blackhole(): void
  /** Breaks all connections and accepts no new ones. */
  cut(): Promise<void>
  /** Ends every fault. Connections on which bytes were lost stay silent for the client, and the service hears of their end. */
  mend(): Promise<void>
}

interface Target {
  readonly host: string
  readonly port: number
}

/** Sees the bytes before they are passed on, which waits for it. They are not passed on when it says `drop`. */
export type OnBytes = (
  bytes: Buffer,
  direction: Direction,
  connection: ProxiedConnection,
) => Promise<'drop' | undefined> | 'drop' | undefined

interface Faults {
  delayMs: number
  bytesPerSecond: number
  cutAfter: number
}

const noFaults: Faults = { delayMs: 0, bytesPerSecond: Number.POSITIVE_INFINITY, cutAfter: Number.POSITIVE_INFINITY }
/** A throttled connection carries a part of its bytes this often. */
const partMs = 50

interface Connection extends ProxiedConnection {
  readonly sockets: readonly Socket[]
  /** The bytes that may still pass. */
  readonly left: Record<Direction, number>
  /** Ends a silent connection for the service alone, as keepalive packets without an answer do. */
  expire(): void
}

export async function startFaultProxy(target: Target, onBytes: OnBytes = () => undefined): Promise<FaultProxy> {
  const faults = { up: { ...noFaults }, down: { ...noFaults } }
  const connections = new Set<Connection>()
  let isBlackhole = false
  let server: Server | undefined
  let port = 0

  function accept(client: Socket): void {
    const upstream = connect(target.port, target.host)
    const silent = new Set<Direction>(isBlackhole ? directions : [])
    const sockets = [client, upstream]
    const connection: Connection = {
      sockets,
      get sourcePort() {
        return upstream.localPort ?? 0
      },
      answer: (bytes) => void client.write(bytes),
      left: { up: faults.up.cutAfter, down: faults.down.cutAfter },
      reset() {
        sockets.forEach(resetSocket)
      },
      silence(direction) {
        for (const each of direction ? [direction] : directions) silent.add(each)
      },
      expire() {
        if (silent.size === directions.length) resetSocket(upstream)
      },
    }
    connections.add(connection)
    carry('up', client, upstream)
    carry('down', upstream, client)

    function carry(direction: Direction, from: Socket, to: Socket): void {
      let carried = Promise.resolve()
      const next = (work: () => Promise<void> | void) => {
        const due = performance.now() + faults[direction].delayMs
        carried = carried
          .then(async () => {
            const restMs = due - performance.now()
            if (restMs > 0) await delay(restMs)
            await work()
          })
          .catch(() => connection.reset())
      }
      from.on('error', () => undefined)
      from.on('data', (bytes: Buffer) =>
        next(async () => {
          if ((await onBytes(bytes, direction, connection)) !== 'drop') await pass(bytes)
        }),
      )
      from.on('close', (wasReset) =>
        next(() => {
          if (!silent.has(direction)) wasReset ? resetSocket(to) : to.destroySoon()
          if (sockets.every(({ destroyed }) => destroyed)) connections.delete(connection)
        }),
      )

      async function pass(bytes: Buffer): Promise<void> {
        let rest = bytes.subarray(0, connection.left[direction])
        connection.left[direction] -= bytes.length
        while (rest.length > 0 && !silent.has(direction) && !to.destroyed) {
          const { bytesPerSecond } = faults[direction]
          const size = Math.min(rest.length, Math.max(1, Math.floor((bytesPerSecond * partMs) / 1000)))
          const part = rest.subarray(0, size)
          rest = rest.subarray(size)
          await new Promise<void>((resolve) => void to.write(part, () => resolve()))
          if (bytesPerSecond < Number.POSITIVE_INFINITY) await delay(partMs)
        }
        if (connection.left[direction] <= 0) connection.reset()
      }
    }
  }

  function change(parts: Partial<Faults>, direction?: Direction): void {
    for (const each of direction ? [direction] : directions) Object.assign(faults[each], parts)
  }

  async function listen(): Promise<void> {
    server = createServer(accept).listen(port, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
  }

  await listen()
  return {
    port,
    open: () => connections.size,
    delay: (delayMs, direction) => change({ delayMs }, direction),
    throttle: (bytesPerSecond, direction) => change({ bytesPerSecond }, direction),
    cutAfter(bytes, direction) {
      change({ cutAfter: bytes }, direction)
      for (const { left } of connections) left[direction] = bytes
    },
    reset() {
      for (const connection of connections) connection.reset()
    },
    blackhole() {
      isBlackhole = true
      for (const connection of connections) connection.silence()
    },
    async cut() {
      const closed = server && once(server, 'close')
      server?.close()
      server = undefined
      for (const { sockets } of connections) for (const socket of sockets) socket.destroy()
      connections.clear()
      await closed
    },
    async mend() {
      isBlackhole = false
      change(noFaults)
      for (const connection of connections) {
        Object.assign(connection.left, { up: noFaults.cutAfter, down: noFaults.cutAfter })
        connection.expire()
      }
      if (!server) await listen()
    },
  }
}

/** resetAndDestroy() says goodbye before it resets, unless the flag that it sets is there without it. */
function resetSocket(socket: Socket): void {
  Object.assign(socket, { resetAndClosing: true }).destroy()
}
