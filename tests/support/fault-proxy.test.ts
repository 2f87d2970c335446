import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { connect, createServer } from 'node:net'
import type { FaultProxy } from './fault-proxy.ts'
import { startFaultProxy } from './fault-proxy.ts'

/** Sends back what it receives. */
const echo = createServer((socket) => socket.on('error', () => undefined).pipe(socket))
let proxy: FaultProxy
const target = () => ({ host: '127.0.0.1', port: (echo.address() as AddressInfo).port })
beforeAll(async () => {
  await once(echo.listen(0, '127.0.0.1'), 'listening')
})
beforeEach(async () => {
  proxy = await startFaultProxy(target())
})
afterEach(() => proxy.cut())
afterAll(() => void echo.close())

interface Client {
  readonly socket: Socket
  readonly received: string[]
  /** The code of the error that ended it, or `end`. */
  readonly ended: Promise<string>
  until(text: string): Promise<void>
}

function givenClient({ port } = proxy): Client {
  const socket = connect(port, '127.0.0.1')
  const received: string[] = []
  socket.on('data', (bytes) => received.push(String(bytes)))
  const ended = new Promise<string>((resolve) => {
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(String(error.code)))
    socket.on('close', () => resolve('end'))
  })
  return {
    socket,
    received,
    ended,
    async until(text) {
      while (received.join('') !== text) await Promise.race([once(socket, 'data'), ended.then(() => fail(received))])
    },
  }
}

/** Passes bytes over a new connection. */
async function passBytes(): Promise<void> {
  const client = givenClient()
  client.socket.write('works')
  await client.until('works')
}

function fail(received: readonly string[]): never {
  throw new Error(`the connection ended after "${received.join('')}"`)
}

describe('the fault proxy of the tests', () => {
  it('passes bytes on in both directions, and the end of a connection', async () => {
    const client = givenClient()
    client.socket.write('hello')
    await client.until('hello')
    client.socket.end()
    expect(await client.ended).toBe('end')
    while (proxy.open() > 0) await new Promise(setImmediate)
  })

  it('delays bytes, so that others which are sent later on another way come first', async () => {
    const other = await startFaultProxy(target())
    const [late, early] = [givenClient(), givenClient(other)]
    const order: string[] = []
    proxy.delay(1000, 'up')
    late.socket.write('late')
    const arrived = late.until('late').then(() => order.push('late'))
    early.socket.write('early')
    await early.until('early')
    order.push('early')
    await arrived
    expect(order).toEqual(['early', 'late'])
    await other.cut()
  })

  it('throttles: the bytes arrive in parts, and all of them', async () => {
    proxy.throttle(100, 'down')
    const client = givenClient()
    client.socket.write('x'.repeat(40))
    await client.until('x'.repeat(40))
    expect(client.received.length).toBeGreaterThan(1)
  })

  it.each(['up', 'down'] as const)('breaks a connection after so many bytes %s', async (direction) => {
    const client = givenClient()
    client.socket.write('1')
    await client.until('1')
    proxy.cutAfter(3, direction)
    client.socket.write('23456')
    await client.ended
    expect('1234'.startsWith(client.received.join(''))).toBe(true)
    await proxy.mend()
    await passBytes()
  })

  it('resets open connections and serves new ones', async () => {
    const client = givenClient()
    client.socket.write('1')
    await client.until('1')
    proxy.reset()
    expect(await client.ended).toBe('ECONNRESET')
    await passBytes()
  })

  it('keeps connections of a black hole silent for ever, and serves new ones once it is mended', async () => {
    const old = givenClient()
    old.socket.write('1')
    await old.until('1')
    proxy.blackhole()
    const during = givenClient()
    while (proxy.open() < 2) await new Promise(setImmediate)
    for (const { socket } of [old, during]) socket.write('lost')
    await proxy.mend()
    await passBytes()
    expect([old.received.join(''), during.received.join('')]).toEqual(['1', ''])
    expect([old.socket.destroyed, during.socket.destroyed]).toEqual([false, false])
  })

  it('refuses connections while it is cut', async () => {
    const client = givenClient()
    client.socket.write('1')
    await client.until('1')
    await proxy.cut()
    await client.ended
    expect(await givenClient().ended).toBe('ECONNREFUSED')
    await proxy.mend()
    await passBytes()
  })
})
