import { createHash } from 'node:crypto'
import { contracts } from '../../../src/contracts/index.ts'
import { refusalOf } from '../../support/answers.ts'
import type { Sent } from '../../support/exchange.ts'
import { exchange } from '../../support/exchange.ts'
import { productionSettings } from '../../support/production.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer, withServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const ask = (path: string, sent?: Sent) => exchange(server.url, path, sent)

const paths = ['/docs', '/docs/swagger-ui.css', '/docs/swagger-ui-bundle.js']

/** The choices on the page: the address, seen from the root, and the label. */
async function choicesOf({ url }: TestServer): Promise<[string, string][]> {
  const { text } = await exchange(url, '/docs')
  return [...text.matchAll(/<option value="([^"]*)">([^<]*)</g)].map(([, value = '', words = '']) => [
    new URL(value, `${url}/docs`).pathname,
    words,
  ])
}

/** The directives of a policy by name. */
function directivesOf(policy: unknown): Map<string, string[]> {
  return new Map(
    String(policy)
      .split(/; ?/)
      .map((directive) => directive.split(' '))
      .map(([name = '', ...sources]) => [name, sources]),
  )
}

const hashOf = (source: string) => `'sha256-${createHash('sha256').update(source).digest('base64')}'`

describe('GET /docs', () => {
  it('offers the document of every contract', async () => {
    expect(await choicesOf(server)).toEqual(
      contracts.map(({ prefix, title }) => [`${prefix}/openapi.json`, `${title} (${prefix})`]),
    )
  })

  it('offers only addresses that have a document', async () => {
    for (const [address] of await choicesOf(server)) expect((await ask(address)).body.openapi).toBe('3.1.0')
  })

  it('offers no document of a contract that is not served', async () => {
    await withServer({ CONTRACTS: 'drf,v1' }, async (other) => {
      const addresses = (await choicesOf(other)).map(([address]) => address)
      expect(addresses).toEqual(['/api/v1/auth/openapi.json', '/api/v1/drf/auth/openapi.json'])
    })
  })

  it('refers to files of this server and to nothing else', async () => {
    const { text } = await ask('/docs')
    const references = [...text.matchAll(/(?:src|href)="(?!data:)([^"]*)"/g)].map(([, reference = '']) => reference)
    expect(references.map((reference) => new URL(reference, `${server.url}/docs`).href).sort()).toEqual(
      ['/', ...paths.slice(1)].map((path) => server.url + path).sort(),
    )
    expect(text).not.toMatch(/\/\/[a-z]+\.|@import|url\(/)
  })

  it('lets a browser run its own two scripts, ask this server, and nothing more', async () => {
    const { text, headers } = await ask('/docs')
    const [, style = ''] = /<style>([^<]*)<\/style>/.exec(text) ?? []
    const [, script = ''] = /<script type="module">([\s\S]*?)<\/script>/.exec(text) ?? []
    expect(directivesOf(headers['content-security-policy'])).toEqual(
      new Map([
        ['default-src', ["'none'"]],
        ['script-src', ["'self'", hashOf(script)]],
        ['style-src', ["'self'", hashOf(style)]],
        ['connect-src', ["'self'"]],
        ['img-src', ['data:']],
        ['base-uri', ["'none'"]],
        ['form-action', ["'none'"]],
        ['frame-ancestors', ["'none'"]],
      ]),
    )
    expect(headers['x-frame-options']).toBe('DENY')
    expect(headers['content-type']).toBe('text/html; charset=utf-8')
  })
})

describe('the files of the documentation', () => {
  it.each([
    ['/docs/swagger-ui.css', 'text/css; charset=utf-8', '.swagger-ui'],
    ['/docs/swagger-ui-bundle.js', 'text/javascript; charset=utf-8', 'SwaggerUIBundle'],
  ])('hold what the page needs: %s', async (path, type, content) => {
    const { status, headers, text } = await ask(path)
    expect([status, headers['content-type'], headers['x-content-type-options']]).toEqual([200, type, 'nosniff'])
    expect(headers['cache-control']).toBe('no-store')
    expect(text).toContain(content)
  })

  it('are complete whatever part or version is asked for', async () => {
    const headers = { Range: 'bytes=0-9', 'If-Match': '"x"', 'If-Unmodified-Since': 'Thu, 01 Jan 1970 00:00:00 GMT' }
    for (const path of paths) {
      const plain = await ask(path)
      const { status, text } = await ask(path, { headers })
      expect([path, status, text.length]).toEqual([path, 200, plain.text.length])
    }
  })

  it.each([
    '/docs/',
    '/docs/index.html',
    '/docs/package.json',
    '/docs/swagger-initializer.js',
    '/docs/swagger-ui.css.map',
    '/docs/swagger-ui.css/',
    '/docs/Swagger-UI.css',
    '/docs/../package.json',
    '/docs/..%2f..%2fpackage.json',
    '/docs/%2e%2e/package.json',
    '/docs/swagger-ui.css%00.js',
  ])('are no others: %s', async (path) => {
    expect(refusalOf(await ask(path))).toBe('404 not_found')
  })
})

it.each(paths)('%s answers GET and HEAD only', async (path) => {
  const { status, text, headers } = await ask(path, { method: 'HEAD' })
  expect([status, text]).toEqual([200, ''])
  expect(Number(headers['content-length'])).toBeGreaterThan(0)
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
    const answer = await ask(path, { method })
    expect(refusalOf(answer)).toBe('405 method_not_allowed')
    expect(answer.headers.allow).toBe('GET, HEAD')
  }
})

describe('DOCS', () => {
  const absent = async ({ url }: TestServer) => {
    for (const path of paths) expect(refusalOf(await exchange(url, path))).toBe('404 not_found')
  }

  it('off: there is no documentation', () => withServer({ DOCS: 'off' }, absent))

  it('absent in production: there is none either', () => withServer(productionSettings, absent))

  it('on in production: it is there', () =>
    withServer({ ...productionSettings, DOCS: 'on' }, async ({ url }) => {
      for (const path of paths) expect((await exchange(url, path)).status).toBe(200)
    }))
})
