import { once } from 'node:events'
import type { Server } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { freshDatabase } from '../support/database.ts'
import { exchange } from '../support/exchange.ts'
import { randomUser } from '../support/fixtures.ts'
import { endProcesses, processKey, startProcess, until } from '../support/process.ts'

interface Attribute {
  readonly key: string
  readonly value: { readonly stringValue?: string; readonly intValue?: number }
}

interface Span {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly attributes: readonly Attribute[]
}

interface Export {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] }
    readonly scopeSpans: readonly { readonly spans: readonly Span[] }[]
  }[]
}

/** What collectors of OpenTelemetry take: OTLP as JSON over HTTP. */
let collector: Server
let exports: Export[]
let received: string

beforeEach(async () => {
  exports = []
  received = ''
  collector = createServer(async (request, response) => {
    const body = await text(request)
    received += body
    if (request.url === '/v1/traces') exports.push(JSON.parse(body))
    response.setHeader('Content-Type', 'application/json').end('{}')
  }).listen(0, '127.0.0.1')
  await once(collector, 'listening')
})
afterEach(async () => {
  await endProcesses()
  collector.closeAllConnections()
  collector.close()
})

const endpoint = () => `http://127.0.0.1:${(collector.address() as AddressInfo).port}`

const spans = () =>
  exports.flatMap(({ resourceSpans }) =>
    resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((each) => each.spans)),
  )

const valueIn = (attributes: readonly Attribute[], name: string) => {
  const value = attributes.find(({ key }) => key === name)?.value
  return value?.stringValue ?? value?.intValue
}

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const parentId = '00f067aa0ba902b7'

async function startTraced(settings: Readonly<Record<string, string>> = {}) {
  const server = startProcess({
    ...processKey,
    DATABASE_URL: await freshDatabase(),
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint(),
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=tests',
    ...settings,
  })
  return { server, url: await server.ready }
}

const register = (url: string, headers: Readonly<Record<string, string>> = {}, user = randomUser()) =>
  exchange(url, '/api/v1/auth/register_credentials', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(user),
  })

describe('traces', () => {
  it('hold the request in the trace of its sender, with its statements and its hash', async () => {
    const { server, url } = await startTraced()
    const user = randomUser()
    const { status, headers } = await register(url, { traceparent: `00-${traceId}-${parentId}-01` }, user)
    expect(status).toBe(201)
    server.kill('SIGTERM')
    expect(await server.exit).toBe(0)

    const ofTrace = spans().filter((span) => span.traceId === traceId)
    const request = ofTrace.find(({ parentSpanId }) => parentSpanId === parentId)
    expect(request?.name).toBe('POST /api/v1/auth/register_credentials')
    expect(valueIn(request?.attributes ?? [], 'http.response.status_code')).toBe(201)
    expect(valueIn(request?.attributes ?? [], 'auth.request_id')).toBe(headers['x-request-id'])
    const children = ofTrace.filter(({ parentSpanId }) => parentSpanId === request?.spanId).map(({ name }) => name)
    expect(children).toEqual(expect.arrayContaining(['hash password', 'INSERT']))
    const [resource] = exports[0]?.resourceSpans ?? []
    expect(valueIn(resource?.resource.attributes ?? [], 'service.name')).toBe('auth-server')
    expect(valueIn(resource?.resource.attributes ?? [], 'deployment.environment.name')).toBe('tests')
    for (const secret of [user.password, user.email, user.username]) expect(received).not.toContain(secret)
    expect(server.stdout()).toContain(`"trace_id":"${traceId}"`)
  })

  it('hold each statement in the request that sent it, also where requests wait for one connection', async () => {
    const { server, url } = await startTraced({ DATABASE_POOL: '2' })
    const ids = Array.from({ length: 12 }, (_, index) => `${index + 10}`.padStart(32, 'a'))
    await Promise.all(ids.map((id) => register(url, { traceparent: `00-${id}-${parentId}-01` })))
    server.kill('SIGTERM')
    expect(await server.exit).toBe(0)
    const counts = ids.map((id) => {
      const ofTrace = spans().filter((span) => span.traceId === id)
      return ofTrace.filter(({ name }) => name === 'INSERT').length
    })
    expect(new Set(counts)).toEqual(new Set([counts[0]]))
    expect(counts[0]).toBeGreaterThan(0)
  })

  it('begin here where the sender has none, and their id is in the log', async () => {
    const { server, url } = await startTraced()
    await exchange(url, '/api/v1/auth/session')
    await until(async () => server.stdout().includes('"trace_id"'))
    const id = /"trace_id":"([\da-f]{32})"/.exec(server.stdout())?.[1]
    server.kill('SIGTERM')
    await server.exit
    expect(spans().map((span) => span.traceId)).toContain(id)
  })

  it('are not kept for a sender that keeps none', async () => {
    const { server, url } = await startTraced()
    await register(url, { traceparent: `00-${traceId}-${parentId}-00` })
    server.kill('SIGTERM')
    await server.exit
    expect(spans().filter((span) => span.traceId === traceId)).toEqual([])
  })

  it('cost no request anything while the collector is away, which is logged once', async () => {
    const { server, url } = await startTraced({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9',
      OTEL_BSP_SCHEDULE_DELAY: '50',
    })
    expect((await register(url)).status).toBe(201)
    await until(async () => server.stdout().includes('takes no traces'))
    server.kill('SIGTERM')
    expect(await server.exit).toBe(0)
    expect(server.stdout().split('takes no traces')).toHaveLength(2)
  })

  it.each([
    ['OTEL_TRACES_EXPORTER', 'none'],
    ['OTEL_SDK_DISABLED', 'true'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', ''],
  ])('are not sent with %s=%s', async (name, value) => {
    const { server, url } = await startTraced({ [name]: value })
    expect((await register(url)).status).toBe(201)
    server.kill('SIGTERM')
    expect(await server.exit).toBe(0)
    expect(exports).toEqual([])
    expect(server.stdout()).not.toContain('trace_id')
  })
})
