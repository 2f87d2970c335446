import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import type * as client from '../../../client/src/index.ts'
import { launchChromium } from '../../support/browser.ts'
import type { User } from '../../support/fixtures.ts'
import { givenUser } from '../../support/fixtures.ts'
import type { Gateway } from '../../support/gateway.ts'
import type { TestServer } from '../../support/server.ts'
import { startBehindGateway } from '../../support/server-behind-gateway.ts'

declare global {
  interface Window {
    readonly client: typeof client
    auth: client.AuthClient
    /** What onChange was told so far. */
    states: client.AuthState[]
  }
}

/** A page that has loaded the built client and waits for a test to use it. */
const html = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>A frontend</title>
<script type="module">import * as client from '/client/index.js'; window.client = client</script>`

export function serve(path: string) {
  if (path === '/tab') return { type: 'text/html', body: html }
  const file = /^\/client\/([\w./-]+\.js)$/.exec(path)?.[1]
  const folder = new URL('../../../client/dist/', import.meta.url)
  return file === undefined ? undefined : { type: 'text/javascript', body: readFileSync(new URL(file, folder), 'utf8') }
}

type Options = Partial<client.AuthClientOptions>

/** A server behind an origin that has pages too, and a browser that opens them. */
export interface Frontend {
  readonly server: TestServer
  readonly gateway: Gateway
  /** A browser of its own, without cookies. */
  openBrowser(): Promise<BrowserContext>
  /** A tab with a client. */
  openTab(browser: BrowserContext, options?: Options, prepare?: (page: Page) => Promise<unknown>): Promise<Page>
  /** A tab in which a new user is logged in. */
  logIn(
    browser: BrowserContext,
    options?: Options,
    prepare?: (page: Page) => Promise<unknown>,
  ): Promise<{ tab: Page; user: User }>
  close(): Promise<void>
}

export async function openFrontend(settings: Readonly<Record<string, string>> = {}): Promise<Frontend> {
  const { server, gateway, close } = await startBehindGateway(settings, serve)
  const chromium: Browser = await launchChromium()

  async function openTab(
    browser: BrowserContext,
    options: Options = {},
    prepare: (page: Page) => Promise<unknown> = async () => undefined,
  ): Promise<Page> {
    const page = await browser.newPage()
    await prepare(page)
    await page.goto(`${gateway.origin}/tab`)
    await createClient(page, { baseUrl: gateway.origin, ...options })
    return page
  }

  return {
    server,
    gateway,
    openBrowser: () => chromium.newContext(),
    openTab,
    async logIn(browser, options, prepare) {
      const user = await givenUser(server)
      const tab = await openTab(browser, options, prepare)
      await logInAs(tab, user)
      return { tab, user }
    },
    async close() {
      await chromium.close()
      await close()
    },
  }
}

export async function createClient(page: Page, options: client.AuthClientOptions): Promise<void> {
  await until(() => page.evaluate(() => window.client !== undefined))
  await page.evaluate((given) => {
    window.auth = window.client.createAuthClient(given)
    window.states = []
    window.auth.onChange((state) => window.states.push(state))
  }, options)
}

export function logInAs(tab: Page, { username, password }: Pick<User, 'username' | 'password'>): Promise<unknown> {
  return tab.evaluate((credentials) => window.auth.logIn(credentials), { username, password })
}

/** The username that the client of the tab knows or learns. */
export const usernameIn = (tab: Page) => tab.evaluate(async () => (await window.auth.user())?.username)

/** Waits until the last state that the tab was told is this one. */
export async function untilTold(tab: Page, expected: { status: 'in' | 'out'; reason?: string; username?: string }) {
  await until(() =>
    tab.evaluate(({ status, reason, username }) => {
      const state = window.states.at(-1)
      return state?.status === status && state.reason === reason && state.user?.username === username
    }, expected),
  )
}

/** Asks from here, as the timers of the page may stand still. */
export async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await delay(20)
}

/** The statuses of so many calls at once. */
export function callManyTimes(tab: Page, count: number): Promise<number[]> {
  return tab.evaluate(async (times) => {
    const calls = Array.from({ length: times }, () => window.auth.fetch('/api/v1/auth/session'))
    return (await Promise.all(calls)).map(({ status }) => status)
  }, count)
}

/** Stops the clocks and timers of all tabs of its browser; `tab.clock.runFor()` moves them on. */
export async function stopClock(tab: Page): Promise<void> {
  await tab.clock.install()
  await tab.clock.pauseAt(Date.now() + 1000)
}

/** Lets the stopped clock run until a login has given back the lock. */
export async function letGo(tab: Page): Promise<void> {
  await tab.clock.runFor(100)
  await until(() => tab.evaluate(async () => (await navigator.locks.query()).held?.length === 0))
}
