import type { Server } from 'node:http'
import type { Browser } from 'playwright-core'
import { launchChromium } from '../support/browser.ts'
import type { User } from '../support/fixtures.ts'
import { givenUser } from '../support/fixtures.ts'
import type { Gateway } from '../support/gateway.ts'
import { openGateway } from '../support/gateway.ts'
import { endProcesses } from '../support/process.ts'
import type { TestServer } from '../support/server.ts'
import { startServer } from '../support/server.ts'
import type { Origin } from './origin.ts'
import { listen, openOrigin } from './origin.ts'
import { load, recipes, writeRecipes } from './recipes.ts'

interface Session {
  accessToken(): string | undefined
  logIn(username: string, password: string): Promise<unknown>
  refresh(): Promise<boolean>
  logOut(): Promise<void>
}

interface Store {
  read(): string | undefined
  write(token: string): void
  remove(): void
}

interface Api {
  get(path: string): Promise<{ status: number }>
}

type CreateSession = (server: string, store: Store) => Session
type CreateFetch = (session: Session) => typeof fetch

let pages: Origin
let server: TestServer
let gateway: Gateway
let pathOf: (name: string) => string
beforeAll(async () => {
  pages = await openOrigin(recipes)
  server = await startServer({ CORS_ORIGINS: pages.url })
  gateway = await openGateway(server.url)
  pathOf = await writeRecipes()
})
afterAll(async () => {
  await gateway.close()
  await server.close()
  pages.close()
  await endProcesses()
})

const createStore = (): Store => {
  let kept: string | undefined
  return {
    read: () => kept,
    write: (token) => {
      kept = token
    },
    remove: () => {
      kept = undefined
    },
  }
}

async function logIn(store = createStore()): Promise<{ user: User; session: Session }> {
  const { createSession } = await load<{ createSession: CreateSession }>(pathOf('native.js'))
  const user = await givenUser(server)
  const session = createSession(gateway.origin, store)
  expect(await session.logIn(user.username, user.password)).toBe(true)
  return { user, session }
}

/** How often the work refreshed, and what it came to. */
async function countRefreshes<Result>(work: () => Promise<Result>): Promise<{ refreshes: number; result: Result }> {
  const before = gateway.refreshes()
  const result = await work()
  return { refreshes: gateway.refreshes() - before, result }
}

const sessionPath = '/api/v1/auth/session'

describe('the recipes for frontends', () => {
  let chromium: Browser
  beforeAll(async () => {
    chromium = await launchChromium()
  })
  afterAll(() => chromium.close())

  it('keep the session of a page on another origin over a reload, in a cookie that no script reads', async () => {
    const { username, password } = await givenUser(server)
    const page = await chromium.newPage()
    await page.goto(pages.url)
    const given = { url: server.url, username, password, script: '/spa.js' }
    const login = await page.evaluate(async ({ url, script, ...user }) => {
      const session = (await import(script)).createSession(url)
      await session.logIn(user.username, user.password)
      return [typeof session.accessToken(), document.cookie, { ...localStorage }]
    }, given)
    expect(login).toEqual(['string', '', {}])

    await page.reload()
    const later = await page.evaluate(async ({ url, script }) => {
      const session = (await import(script)).createSession(url)
      const refreshed = await session.refresh()
      await session.logOut()
      return [refreshed, session.accessToken() === undefined, await session.refresh()]
    }, given)
    expect(later).toEqual([true, true, false])
  })

  it('keep the session of a page while the server is busy or away, and end it when it says so', async () => {
    const user = await givenUser(server)
    const page = await chromium.newPage()
    await page.goto(pages.url)
    /** What the page has after it has done this: whether an access token, and what the call came to. */
    const attempt = (name: keyof Session, ...words: string[]) =>
      page.evaluate(
        async ({ url, name, words }) => {
          const holder = globalThis as unknown as { session: Record<string, (...words: string[]) => unknown> }
          holder.session ??= (await import('/spa.js' as string)).createSession(url)
          const { session } = holder
          const outcome = await Promise.resolve(session[name]?.(...words)).catch((error) => error.message)
          return [typeof session.accessToken?.(), outcome]
        },
        { url: server.url, name, words },
      )
    expect(await attempt('logIn', user.username, 'a wrong password')).toEqual([
      'undefined',
      'The username or the password is wrong',
    ])
    expect(await attempt('logIn', user.username, user.password)).toEqual(['string', undefined])

    const cors = { 'Access-Control-Allow-Origin': pages.url, 'Access-Control-Allow-Credentials': 'true' }
    for (const status of [429, 503]) {
      const body = JSON.stringify({ status, detail: 'Later' })
      await page.route('**/api/**', (route) => route.fulfill({ status, headers: cors, body }))
      expect(await attempt('refresh')).toEqual(['string', false])
      expect(await attempt('logOut')).toEqual(['string', 'Later'])
      await page.unroute('**/api/**')
    }
    await page.context().setOffline(true)
    for (const name of ['refresh', 'logOut'] as const)
      expect(await attempt(name)).toEqual(['string', 'Failed to fetch'])
    await page.context().setOffline(false)
    expect(await attempt('refresh')).toEqual(['string', true])

    await page.context().clearCookies()
    expect(await attempt('refresh')).toEqual(['undefined', false])
  })

  it('log in where there is no session, and use it after a reload', async () => {
    const { username, password } = await givenUser(server)
    const page = await chromium.newPage()
    await page.goto(pages.url)
    const given = { url: server.url, password: [username, password] }
    const greet = () =>
      page.evaluate(async ({ url, password }) => {
        let asked = 0
        const greeting = await (await import('/page.js' as string)).greet(url, () => {
          asked += 1
          return password
        })
        return [greeting, asked]
      }, given)
    expect(await greet()).toEqual([`Hello ${username}`, 1])
    await page.reload()
    server.pass('16m')
    expect(await greet()).toEqual([`Hello ${username}`, 0])
  })

  it('refresh once for many calls of fetch()', async () => {
    const { session } = await logIn()
    const { createFetch } = await load<{ createFetch: CreateFetch }>(pathOf('fetch.js'))
    const call = createFetch(session)
    server.pass('16m')
    const { refreshes, result } = await countRefreshes(() =>
      Promise.all(Array.from({ length: 20 }, async () => (await call(gateway.origin + sessionPath)).status)),
    )
    expect([refreshes, new Set(result)]).toEqual([1, new Set([200])])
  })

  it('refresh once for many calls of axios', async () => {
    const { session } = await logIn()
    const { createApi } = await load<{ createApi: (url: string, session: Session) => Api }>(pathOf('axios.js'))
    const api = createApi(gateway.origin, session)
    server.pass('16m')
    const { refreshes, result } = await countRefreshes(() =>
      Promise.all(Array.from({ length: 20 }, async () => (await api.get(sessionPath)).status)),
    )
    expect([refreshes, new Set(result)]).toEqual([1, new Set([200])])
  })

  it('keep the session of a native application until the server ends it', async () => {
    const store = createStore()
    const { session } = await logIn(store)
    const first = store.read()
    gateway.disturb('POST /api/v1/auth/access_token', { status: 503 })
    expect([await session.refresh(), store.read()]).toEqual([false, first])
    expect(await session.refresh()).toBe(true)
    expect(store.read()).not.toBe(first)

    await server.send('POST', '/logout', { token: session.accessToken() })
    expect([await session.refresh(), store.read()]).toEqual([false, undefined])
  })

  it('render pages for each user apart', async () => {
    const { createFrontend } = await load<{ createFrontend: (auth: string) => Server }>(pathOf('server-side.js'))
    const frontend = await listen(createFrontend(server.url))
    const logInAs = async ({ username, password }: User) => {
      const body = new URLSearchParams({ username, password })
      const answer = await fetch(`${frontend.url}/login`, { method: 'POST', body, redirect: 'manual' })
      return answer.headers.get('set-cookie')?.split(';')[0] ?? ''
    }
    const read = async (cookie: string) => (await fetch(frontend.url, { headers: { cookie } })).text()
    const [ada, bob] = [await givenUser(server), await givenUser(server)]
    const cookies = [await logInAs(ada), await logInAs(bob), '']
    server.pass('16m')
    const greetings = [`Hello ${ada.username}`, `Hello ${bob.username}`, 'Log in']
    expect(await Promise.all(cookies.map(read))).toEqual(greetings)
    frontend.close()
  })
})
