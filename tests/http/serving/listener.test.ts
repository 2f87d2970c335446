import { once } from 'node:events'
import type { RequestListener, Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { connect } from 'node:net'
import { createHttpServer } from '../../../src/http/serving/listener.ts'
import { createRawResponse } from '../../../src/http/serving/raw-response.ts'
import { refusalOf } from '../../support/answers.ts'
import { createMemoryLogger } from '../../support/memory-logger.ts'
import type { RawAnswer } from '../../support/raw.ts'
import { openSocket, talkTo } from '../../support/raw.ts'

const logged: string[] = []
const sendRawResponse = createRawResponse({ https: true, logger: createMemoryLogger(logged) })

let http: Server
let port: number
beforeAll(async () => {
  http = createHttpServer((request, response) => {
    request.resume()
    request.on('end', () => response.end(`${request.method} ${request.url}`))
  }, sendRawResponse)
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  port = (http.address() as AddressInfo).port
})
afterAll(() => {
  http.closeAllConnections()
  http.close()
})

const open = (to = port) => openSocket(to)
const talk = (bytes: string | Buffer, to = port) => talkTo(to, bytes)

/** A server of the test's own, as `change` makes it. */
async function withServer(
  listener: RequestListener,
  work: (port: number, server: Server) => Promise<void>,
  change: (server: Server) => void = () => undefined,
): Promise<void> {
  const own = createHttpServer(listener, sendRawResponse)
  change(own)
  own.listen(0, '127.0.0.1')
  await once(own, 'listening')
  try {
    await work((own.address() as AddressInfo).port, own)
  } finally {
    own.closeAllConnections()
    own.close()
  }
}

const head = (...lines: string[]) => `${['GET / HTTP/1.1', 'Host: localhost', ...lines].join('\r\n')}\r\n`

function expectRawProblem({ status, head: fields, body }: RawAnswer, expected: number, code: string): void {
  const headers = Object.fromEntries(
    fields
      .split('\r\n')
      .slice(1)
      .map((line) => /^([^:]*): (.*)$/.exec(line)?.slice(1) ?? [line])
      .map(([name = '', value]) => [name.toLowerCase(), value]),
  )
  const answer = { status, headers, text: body, body: JSON.parse(body) }
  expect(refusalOf(answer)).toBe(`${expected} ${code}`)
  expect(headers).toMatchObject({
    connection: 'close',
    'content-length': String(Buffer.byteLength(body)),
    'content-security-policy': expect.stringContaining("default-src 'none'"),
    'strict-transport-security': 'max-age=31536000',
    'x-content-type-options': 'nosniff',
  })
  expect(JSON.parse(logged.at(-1) ?? '')).toMatchObject({
    level: 'info',
    message: 'request',
    request_id: headers['x-request-id'],
    status,
    code,
    ip: '127.0.0.1',
  })
}

describe('the HTTP server', () => {
  it('answers valid HTTP', async () => {
    const { status, body } = await talk(`${head('Connection: close')}\r\n`)
    expect([status, body]).toEqual([200, 'GET /'])
  })

  it.each([
    ['header fields beyond 16 kB', `${head(`X-Long: ${'x'.repeat(17_000)}`)}\r\n`],
    [
      'many header fields beyond 16 kB',
      `${head(...Array.from({ length: 1500 }, (_, index) => `X-${index}: 0123456789`))}\r\n`,
    ],
    ['an address beyond 16 kB', `GET /${'x'.repeat(17_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`],
  ])('refuses %s with a problem', async (_name, bytes) => {
    expectRawProblem(await talk(bytes), 431, 'headers_too_large')
  })

  // Clients took the body for the beginning of the next answer.
  it('sends no body with a refusal of a HEAD request', async () => {
    const { status, head, body } = await talk(
      `HEAD / HTTP/1.1\r\nHost: localhost\r\nX-Long: ${'x'.repeat(17_000)}\r\n\r\n`,
    )
    expect([status, body]).toEqual([431, ''])
    expect(head).toMatch(/\r\nContent-Length: [1-9]/)
  })

  it.each<[string, string | Buffer]>([
    ['garbage', 'garbage\r\n\r\n'],
    ['random bytes', Buffer.from('16030100ff010000fb0303', 'hex')],
    ['an unknown method', 'BREW / HTTP/1.1\r\nHost: localhost\r\n\r\n'],
    ['an unknown version', 'GET / HTTP/9.9\r\nHost: localhost\r\n\r\n'],
    ['a space in the address', 'GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n'],
    ['a header field without a colon', `${head('NoColon')}\r\n`],
    ['a space before the colon', `${head('Content-Length : 0')}\r\n`],
    ['a NUL in a header field', `${head('X-Nul: \u0000')}\r\n`],
    ['a bare line break in a header field', `${head('X-Bare: a\nb')}\r\n`],
    ['two different lengths', `${head('Content-Length: 1', 'Content-Length: 2')}\r\nx`],
    ['a negative length', `${head('Content-Length: -1')}\r\n`],
    ['a length and chunks', `${head('Content-Length: 1', 'Transfer-Encoding: chunked')}\r\n0\r\n\r\n`],
    ['chunks of no length', `${head('Transfer-Encoding: chunked')}\r\nnothex\r\n`],
  ])('refuses %s with a problem', async (_name, bytes) => {
    expectRawProblem(await talk(bytes), 400, 'invalid_request')
  })

  it('needs no host from a client of HTTP/1.0', async () => {
    expect(await talk('GET /old HTTP/1.0\r\n\r\n')).toMatchObject({ status: 200, body: 'GET /old' })
  })

  it('goes on when clients break off', async () => {
    for (const bytes of ['', 'GET', head(), `${head('Content-Length: 100')}\r\nhalf`]) {
      const socket = await open()
      socket.write(bytes)
      socket.resetAndDestroy()
    }
    expect((await talk(`${head('Connection: close')}\r\n`)).status).toBe(200)
  })

  it('closes the connection of a client that keeps its own half open', async () => {
    await withServer(
      () => undefined,
      async (to, own) => {
        const connection = once(own, 'connection')
        const socket = connect({ port: to, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => undefined)
        const [ours] = (await connection) as [Socket]
        const released = once(ours, 'close', { signal: AbortSignal.timeout(10_000) })
        socket.resume().write('garbage\r\n\r\n')
        await released.finally(() => socket.destroy())
      },
      (patient) => {
        // Otherwise the time limit for slow clients would end it in any case.
        patient.headersTimeout = 0
        patient.requestTimeout = 0
      },
    )
  })

  it('closes the connection of a client that does not read its answer', async () => {
    await withServer(
      (_request, response) => response.end(Buffer.alloc(64 * 1024 * 1024)),
      async (to, own) => {
        const connection = once(own, 'connection')
        const socket = await open(to)
        const [ours] = (await connection) as [Socket]
        const released = once(ours, 'close', { signal: AbortSignal.timeout(10_000) })
        socket.write(`${head()}\r\n`)
        await released.finally(() => socket.destroy())
      },
      (impatient) => {
        impatient.requestTimeout = 100
      },
    )
  })

  it('does not buffer the requests of a client that reads no answers', async () => {
    let received = 0
    await withServer(
      () => {
        received += 1
      },
      async (to) => {
        const { status } = await talk(`${head()}\r\n`.repeat(100), to)
        expect([status, received]).toEqual([0, 16])
      },
    )
  })

  it('sends no refusal of garbage while the request before it is still being answered', async () => {
    await withServer(
      () => undefined,
      async (to) => {
        expect(await talk(`${head()}\r\ngarbage\r\n\r\n`, to)).toMatchObject({ status: 0, body: '' })
      },
    )
  })

  it('reads every header field, however many come before it', async () => {
    await withServer(
      ({ headers }, response) => response.end(headers['x-forwarded-for']),
      async (to) => {
        const many = Array.from({ length: 3000 }, () => 'a:')
        const { body } = await talk(`${head('Connection: close', ...many, 'X-Forwarded-For: 192.0.2.1')}\r\n`, to)
        expect(body).toBe('192.0.2.1')
      },
    )
  })

  it('gives slow clients less time than Node does', () => {
    expect(http.headersTimeout).toBe(10_000)
    expect(http.requestTimeout).toBe(30_000)
    expect(http.keepAliveTimeout).toBe(65_000)
  })

  // Node looks for slow clients every 30 seconds unless told otherwise, so that its limits meant little.
  it('looks for slow clients often', async () => {
    await withServer(
      () => undefined,
      async (to) => expectRawProblem(await talk(head(), to), 408, 'request_timeout'),
      (impatient) => {
        impatient.headersTimeout = 1
      },
    )
  }, 10_000)
})
