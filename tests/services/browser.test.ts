import { renderInChromium, runInChromium } from '../support/chromium.ts'
import { givenUser } from '../support/fixtures.ts'
import { endProcesses } from '../support/process.ts'
import { endPrograms } from '../support/program.ts'
import type { TestServer } from '../support/server.ts'
import { startServer } from '../support/server.ts'

const servers: TestServer[] = []
afterEach(async () => {
  await endPrograms()
  await endProcesses()
  for (const server of servers.splice(0)) await server.close()
})

interface Answer {
  readonly status: number
  readonly code?: string
  readonly hasRefreshToken: boolean
}

interface Life {
  readonly login: Answer
  readonly refresh: Answer
  readonly logout: Answer
  readonly afterwards: Answer
}

/** The headers that frontends of Django services and tracing libraries send beside those that the server reads. */
const headers = {
  'Content-Type': 'application/json',
  'Auth-Transport': 'cookie',
  'X-CSRFToken': 'a token of no meaning',
  'X-Requested-With': 'XMLHttpRequest',
  baggage: 'sentry-release=1',
  'sentry-trace': '00-1',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
}

/** A page of that host logs in, refreshes, logs out and refreshes again, with the refresh token in the cookie. */
async function liveOnAnotherOrigin(host: 'localhost' | '127.0.0.1', settings: Record<string, string>): Promise<Life> {
  let server: TestServer | undefined
  const life = await runInChromium<Life>(host, async (origin) => {
    server = await startServer({ ...settings, CORS_ORIGINS: origin })
    servers.push(server)
    const { username, password } = await givenUser(server)
    const api = `http://localhost:${new URL(server.url).port}/api/v1/auth`
    return `
      const post = async (path, body = {}) => {
        const answer = await fetch(${JSON.stringify(api)} + path, {
          method: 'POST', credentials: 'include', headers: ${JSON.stringify(headers)}, body: JSON.stringify(body),
        })
        const { code, refresh_token } = await answer.json()
        return { status: answer.status, code, hasRefreshToken: refresh_token !== undefined }
      }
      return {
        login: await post('/login_credentials', ${JSON.stringify({ username, password })}),
        refresh: await post('/access_token'),
        logout: await post('/logout'),
        afterwards: await post('/access_token'),
      }`
  })
  return life
}

const secure = { PUBLIC_URL: 'https://localhost' }

describe('a page on another origin in Chromium, with the headers of other frontends', () => {
  it.each([
    ['strict', 'localhost', {}],
    ['strict', 'localhost', secure],
    ['lax', 'localhost', {}],
    ['none', 'localhost', secure],
    ['none', 'localhost', { ...secure, COOKIE_PARTITIONED: 'off' }],
    ['none', '127.0.0.1', secure],
  ] as const)(
    'keeps its refresh token in the cookie, where COOKIE_SAMESITE is %s and the page is at %s %j',
    async (sameSite, host, more) => {
      expect(await liveOnAnotherOrigin(host, { COOKIE_SAMESITE: sameSite, ...more })).toEqual({
        login: { status: 200, hasRefreshToken: false },
        refresh: { status: 200, hasRefreshToken: false },
        logout: { status: 200, hasRefreshToken: false },
        afterwards: { status: 401, code: 'refresh_cookie_missing', hasRefreshToken: false },
      })
    },
  )

  it.each(['strict', 'lax'])('on another site gets no cookie, where COOKIE_SAMESITE is %s', async (sameSite) => {
    const { login, refresh } = await liveOnAnotherOrigin('127.0.0.1', { COOKIE_SAMESITE: sameSite, ...secure })
    expect(login.status).toBe(200)
    expect(refresh).toEqual({ status: 401, code: 'refresh_cookie_missing', hasRefreshToken: false })
  })
})

it('the documentation sends to the address at which it was opened, not to PUBLIC_URL', async () => {
  const server = await startServer({ PUBLIC_URL: 'https://example.com/auth' })
  servers.push(server)
  const opened = `http://localhost:${new URL(server.url).port}`
  const html = await renderInChromium(`${opened}/docs`)
  expect([...html.matchAll(/<option value="(http[^"]*)"/g)].map(([, address]) => address)).toEqual([
    `${opened}/api/v1/auth`,
  ])
})
