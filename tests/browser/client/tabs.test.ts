import type { Page } from 'playwright-core'
import { givenUser } from '../../support/fixtures.ts'
import type { Frontend } from './frontend.ts'
import { callManyTimes, logInAs, openFrontend, stopClock, until, untilTold, usernameIn } from './frontend.ts'

let frontend: Frontend
beforeAll(async () => {
  frontend = await openFrontend()
})
afterAll(() => frontend.close())

const modes = [{ transport: 'cookie' }, { transport: 'body', storage: 'local' }] as const

/** So many tabs of a user who is logged in in all of them. */
async function givenTabs(count: number, options: (typeof modes)[number]) {
  const browser = await frontend.openBrowser()
  const { tab, user } = await frontend.logIn(browser, options)
  const tabs = [tab]
  while (tabs.length < count) {
    const next = await frontend.openTab(browser, options)
    expect(await usernameIn(next)).toBe(user.username)
    tabs.push(next)
  }
  return { browser, tabs, user, refreshes: countRefreshes() }
}

/** Holds an answer back until it is let go. */
function holder(): { readonly heldUntil: Promise<void>; readonly letGo: () => void } {
  let letGo: () => void = () => undefined
  const heldUntil = new Promise<void>((resolve) => {
    letGo = resolve
  })
  return { heldUntil, letGo: () => letGo() }
}

/** How many tabs of its browser wait for the lock. */
function countWaiting(tab: Page): Promise<number | undefined> {
  return tab.evaluate(async () => (await navigator.locks.query()).pending?.length)
}

function countRefreshes(): () => number {
  const before = frontend.gateway.refreshes()
  return () => frontend.gateway.refreshes() - before
}

describe.each(modes)('tabs of one browser with %j', (options) => {
  it('send one refresh for 200 calls in five of them when the access token has expired', async () => {
    const { browser, tabs, refreshes } = await givenTabs(5, options)
    frontend.server.pass('16m')
    // However slow the machine is, no tab becomes impatient.
    for (const tab of tabs) await stopClock(tab)
    const { heldUntil, letGo } = holder()
    frontend.gateway.disturb('POST /api/v1/auth/access_token', { heldUntil })
    const calls = tabs.map((tab) => callManyTimes(tab, 40))
    await until(async () => (await countWaiting(tabs[0] as Page)) === 4)
    letGo()
    const statuses = await Promise.all(calls)
    expect(statuses.flat().filter((status) => status === 200)).toHaveLength(200)
    expect(refreshes()).toBe(1)
    await browser.close()
  })

  it('refresh at once twenty times, and stay logged in', async () => {
    const { browser, tabs } = await givenTabs(2, options)
    for (let time = 0; time < 20; time += 1) {
      frontend.server.pass('16m')
      const statuses = await Promise.all(tabs.map((tab) => callManyTimes(tab, 1)))
      expect(statuses.flat()).toEqual([200, 200])
    }
    await browser.close()
  })

  it('tell each other of a login and a logout', async () => {
    const { browser, tabs, user } = await givenTabs(2, options)
    const [first, second] = tabs as [Page, Page]
    await first.evaluate(() => window.auth.logOut())
    await untilTold(second, { status: 'out' })
    await logInAs(second, user)
    await untilTold(first, { status: 'in', username: user.username })
    await browser.close()
  })

  it('follow when another user logs in in one of them', async () => {
    const { browser, tabs } = await givenTabs(2, options)
    const [first, second] = tabs as [Page, Page]
    const other = await givenUser(frontend.server)
    await second.evaluate(() => window.auth.logOut())
    await logInAs(second, other)
    await untilTold(first, { status: 'in', username: other.username })
    frontend.server.pass('16m')
    expect(await callManyTimes(first, 1)).toEqual([200])
    expect(await usernameIn(first)).toBe(other.username)
    await browser.close()
  })

  it('log a user in once the refresh of another user in another tab is over', async () => {
    const { browser, tabs } = await givenTabs(2, options)
    const [first, second] = tabs as [Page, Page]
    const other = await givenUser(frontend.server)
    const { heldUntil, letGo } = holder()
    await stopClock(second)
    frontend.server.pass('16m')
    frontend.gateway.disturb('POST /api/v1/auth/access_token', { heldUntil })
    const before = frontend.gateway.refreshes()
    const call = callManyTimes(first, 1)
    await until(() => frontend.gateway.refreshes() > before)

    const login = logInAs(second, other)
    await until(async () => (await countWaiting(second)) === 1)
    letGo()
    await Promise.all([call, login])
    await second.clock.resume()
    const third = await frontend.openTab(browser, options)
    expect(await usernameIn(third)).toBe(other.username)
    await browser.close()
  })

  it('stay logged out when a refresh is slower than a logout in another tab', async () => {
    const { browser, tabs } = await givenTabs(2, options)
    const [first, second] = tabs as [Page, Page]
    const { heldUntil, letGo } = holder()
    frontend.server.pass('16m')
    frontend.gateway.disturb('POST /api/v1/auth/access_token', { heldUntil })
    const late = callManyTimes(first, 1)
    await second.evaluate(() => window.auth.logOut())
    await untilTold(first, { status: 'out' })
    letGo()
    expect(await late).toEqual([401])
    expect(await Promise.all([usernameIn(first), usernameIn(second)])).toEqual([undefined, undefined])
    // A session that came back for a moment would have ended once more, for a reason.
    expect(await first.evaluate(() => window.states.at(-1))).toEqual({ status: 'out' })
    await browser.close()
  })
})

describe('a tab that hears nothing of the others', () => {
  const withoutNews = (page: Page) => page.addInitScript(() => Reflect.deleteProperty(window, 'BroadcastChannel'))

  it('sends no request in the name of a user who has logged in in another tab', async () => {
    const browser = await frontend.openBrowser()
    const { tab: first, user } = await frontend.logIn(browser)
    const second = await frontend.openTab(browser, {}, withoutNews)
    expect(await usernameIn(second)).toBe(user.username)
    const other = await givenUser(frontend.server)
    await logInAs(first, other)
    // Its access token is refused, as the session of the first user ends when the user logs out everywhere.
    await frontend.server.send('POST', '/logout_all', { token: user.access_token })

    const before = frontend.gateway.requests.length
    const outcome = await second.evaluate(() =>
      window.auth.fetch('/api/v1/auth/session').catch((error: Error) => error.name),
    )
    expect(outcome).toBe('UserChangedError')
    const lines = frontend.gateway.requests.slice(before).map(({ line }) => line)
    expect(lines.slice(0, 2)).toEqual(['GET /api/v1/auth/session', 'POST /api/v1/auth/access_token'])
    expect(await usernameIn(second)).toBe(other.username)
    await browser.close()
  })

  it('refreshes at the same time as another twenty times without Web Locks too, and stays logged in', async () => {
    const alone = async (page: Page) => {
      await withoutNews(page)
      await page.addInitScript(() => Object.defineProperty(navigator, 'locks', { value: undefined }))
    }
    const browser = await frontend.openBrowser()
    const { user } = await frontend.logIn(browser)
    const tabs = [await frontend.openTab(browser, {}, alone), await frontend.openTab(browser, {}, alone)]
    for (const tab of tabs) expect(await usernameIn(tab)).toBe(user.username)
    for (let time = 0; time < 20; time += 1) {
      frontend.server.pass('16m')
      const statuses = await Promise.all(tabs.map((tab) => callManyTimes(tab, 1)))
      expect(statuses.flat()).toEqual([200, 200])
    }
    await browser.close()
  })
})
