import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { contracts } from '../../../src/contracts/index.ts'
import { refusalOf } from '../../support/answers.ts'
import type { Sent } from '../../support/exchange.ts'
import { exchange } from '../../support/exchange.ts'
import { endProcesses, givenFolder } from '../../support/process.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer, withServer } from '../../support/server.ts'

const files = {
  'index.html': '<html><head><title>First page</title></head></html>',
  'register.html': '<html><head><title>Register</title></head></html>',
  'verify-email.html': '<html><head><title>Verify</title></head></html>',
  // Served by others, who come first.
  'docs.html': 'not this one',
  'healthz.html': 'not this one',
  'mailbox.html': 'not this one',
  'problems.html': 'not this one',
  'notes.txt': 'for developers',
  'assets/index-a1b2c3.js': 'console.log(1)',
  'assets/index-d4e5f6.css': 'body {}',
}

/** A build of an application, as the server finds it. */
async function givenBuild(): Promise<URL> {
  const folder = await givenFolder()
  await mkdir(join(folder, 'assets'))
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content)
  return pathToFileURL(`${folder}/`)
}

let applicationFolder: URL
let server: TestServer
beforeAll(async () => {
  applicationFolder = await givenBuild()
  server = await startServer({}, { mailbox: true, applicationFolder })
})
afterAll(async () => {
  await server.close()
  await endProcesses()
})

const ask = (path: string, sent?: Sent) => exchange(server.url, path, sent)
const browser = { Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' }

describe('the demo application', () => {
  it.each([
    ['/', 'First page'],
    ['/register', 'Register'],
    ['/verify-email', 'Verify'],
  ])('has a document at %s, which is not cached', async (path, title) => {
    const { status, headers, text } = await ask(path, { headers: browser })
    expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
    expect(headers['cache-control']).toBe('no-store')
    expect(text).toContain(`<title>${title}</title>`)
  })

  it('lets a browser run the scripts of this server, ask it, and nothing more', async () => {
    for (const path of ['/', '/register']) {
      const { headers } = await ask(path, { headers: browser })
      expect(String(headers['content-security-policy']).split('; ')).toEqual([
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        'img-src data:',
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
      ])
      expect(headers['referrer-policy']).toBe('no-referrer')
    }
  })

  it('is nothing to programs that open the first page: they get the addresses of the APIs', async () => {
    for (const headers of [{}, { Accept: '*/*' }, { Accept: 'application/json' }, { Accept: 'image/png' }]) {
      const answer = await ask('/', { headers })
      expect([answer.status, answer.body.contracts.v1.prefix]).toEqual([200, '/api/v1/auth'])
      expect(answer.headers.vary).toContain('Accept')
    }
  })

  it('opens from the link of a mail for every program, as scanners of mails may ask for anything', async () => {
    for (const headers of [{}, { Accept: '*/*' }, { Accept: 'application/json' }]) {
      expect((await ask('/verify-email?token=x', { headers })).text).toContain('<title>Verify</title>')
    }
  })

  it.each([
    ['/assets/index-a1b2c3.js', 'text/javascript; charset=utf-8'],
    ['/assets/index-d4e5f6.css', 'text/css; charset=utf-8'],
  ])('has files that are cached for good, as their names change with their content: %s', async (path, type) => {
    const { status, headers, text } = await ask(path)
    expect([status, headers['content-type'], headers['x-content-type-options']]).toEqual([200, type, 'nosniff'])
    expect(headers['cache-control']).toBe('public, max-age=31536000, immutable')
    expect(text).toBe(files[path.slice(1) as keyof typeof files])
  })

  it.each([
    '/index.html',
    '/index',
    '/register.html',
    '/register/',
    '/Register',
    '/notes.txt',
    '/assets/',
    '/assets',
    '/assets/../notes.txt',
    '/assets/..%2fnotes.txt',
    '/assets/index-a1b2c3.js/',
    '/elsewhere',
  ])('has nothing else: %s', async (path) => {
    expect(refusalOf(await ask(path, { headers: browser }))).toBe('404 not_found')
  })

  it.each(['/', '/register', '/assets/index-a1b2c3.js'])('answers GET and HEAD only: %s', async (path) => {
    const { status, text } = await ask(path, { method: 'HEAD', headers: browser })
    expect([status, text]).toEqual([200, ''])
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      expect(refusalOf(await ask(path, { method, headers: browser }))).toBe('405 method_not_allowed')
    }
  })

  it('stands behind everything that the server has at the same path', async () => {
    for (const path of ['/docs', '/healthz', '/mailbox', '/problems', '/openapi.json']) {
      const { status, text } = await ask(path, { headers: browser })
      expect([path, status, text.includes('not this one')]).toEqual([path, 200, false])
    }
    for (const { prefix } of contracts) expect((await ask(`${prefix}/openapi.json`)).body.openapi).toBe('3.1.0')
  })
})

describe('the pages that the demo application links to', () => {
  const namedBy = async ({ url }: TestServer) =>
    /<meta name="server-pages" content="([^"]*)"><\/head>/.exec((await exchange(url, '/register')).text)?.[1]

  it('are the mailbox, the documentation and the problems', async () => {
    expect(await namedBy(server)).toBe('mailbox docs problems')
  })

  it('are only those that are served', () =>
    withServer({ DOCS: 'off' }, async (other) => expect(await namedBy(other)).toBe('problems'), { applicationFolder }))
})

describe('without the demo application', () => {
  const titleOf = async ({ url }: TestServer, path: string) =>
    /<title>(.*)<\/title>/.exec((await exchange(url, path, { headers: browser })).text)?.[1]

  it('mailed links lead to small pages, where it has not been built', async () => {
    const empty = pathToFileURL(`${await givenFolder()}/`)
    await withServer(
      {},
      async (other) => {
        expect(await titleOf(other, '/')).toBe('Authentication server')
        expect(await titleOf(other, '/verify-email')).toBe('Verify your e-mail address')
        expect(await titleOf(other, '/reset-password')).toBe('Set a new password')
      },
      { applicationFolder: empty },
    )
  })

  it('nothing of it is served, where there is a frontend', async () => {
    await withServer(
      { FRONTEND_URL: 'https://app.example.com' },
      async (other) => {
        expect(await titleOf(other, '/')).toBe('Authentication server')
        for (const path of ['/register', '/verify-email', '/assets/index-a1b2c3.js']) {
          expect(refusalOf(await exchange(other.url, path, { headers: browser }))).toBe('404 not_found')
        }
      },
      { applicationFolder },
    )
  })
})
