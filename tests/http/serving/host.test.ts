import { contracts } from '../../../src/contracts/index.ts'
import { problemDetails } from '../../../src/http/contracts/error-format.ts'
import { exchange } from '../../support/exchange.ts'
import { productionSettings } from '../../support/production.ts'
import { talkTo } from '../../support/raw.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer, withServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer({ PUBLIC_URL: 'http://auth.home.example:3000' })
})
afterAll(() => server.close())

const statusFor = async (Host: string, path: string, method = 'GET') =>
  (await exchange(server.url, path, { method, headers: { Host } })).status

const places = [
  ...contracts.map(({ prefix, errorFormat }) => ({
    path: `${prefix}/login`,
    isOwnFormat: errorFormat === problemDetails,
  })),
  { path: '/docs', isOwnFormat: true },
  { path: '/nothing', isOwnFormat: true },
]

describe('outside production', () => {
  // A web page that pointed its own name to 127.0.0.1 could read every answer of a developer's server.
  it.each(places)(
    'a request that names another host is refused in the error format of the path: $path',
    async (place) => {
      const headers = { Host: 'rebound.example:3000' }
      const { status, text, body } = await exchange(server.url, place.path, { headers })
      expect(status).toBe(421)
      expect(text).toContain('PUBLIC_URL')
      if (place.isOwnFormat) expect(body.code).toBe('misdirected_request')
      else expect(text).not.toContain('/problems#')
    },
  )

  it.each([
    'localhost.rebound.example',
    'rebound.example.',
    '127.0.0.1.rebound.example',
    'auth.home.example.rebound.example',
    '192.168.1.7',
    '[fe80::1]',
    '0.0.0.0:3000',
    'localhost:99999',
    'localhost@rebound.example',
    'a b',
  ])('%s is another host', async (host) => {
    expect(await statusFor(host, '/problems')).toBe(421)
  })

  it.each([
    'localhost',
    'LOCALHOST.:3000',
    'app.localhost:3000',
    '127.0.0.1',
    '127.8.9.10:80',
    '[::1]:3000',
    'auth.home.example',
    'Auth.Home.Example:8080',
  ])('%s is this server', async (host) => {
    expect(await statusFor(host, '/problems')).toBe(200)
  })

  it('a preflight is refused as well', async () => {
    expect(await statusFor('rebound.example', '/api/v1/auth/session', 'OPTIONS')).toBe(421)
    const headers = { Host: 'rebound.example', Origin: 'http://auth.home.example:3000' }
    const preflight = { ...headers, 'Access-Control-Request-Method': 'POST' }
    expect((await exchange(server.url, '/api/v1/auth/session', { method: 'OPTIONS', headers: preflight })).status).toBe(
      421,
    )
  })

  it('the host of the request target counts for more than the header', async () => {
    const target = `http://rebound.example/problems`
    expect(await statusFor('localhost', target)).toBe(421)
    expect(await statusFor('localhost', 'http://localhost/problems')).toBe(200)
  })

  it('a request that names no host is refused too, as some proxies pass such requests on', async () => {
    expect((await talkTo(Number(new URL(server.url).port), 'GET /problems HTTP/1.0\r\n\r\n')).status).toBe(421)
  })

  it.each(['/healthz', '/readyz'])('%s answers under every name', async (path) => {
    expect(await statusFor('10.0.0.7:3000', path)).toBe(200)
  })
})

it('in production the proxy in front decides which hosts are served', async () => {
  await withServer(productionSettings, async ({ url }) => {
    expect((await exchange(url, '/problems', { headers: { Host: 'internal.example' } })).status).toBe(200)
  })
})
