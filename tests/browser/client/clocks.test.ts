import type { Page } from 'playwright-core'
import type { Frontend } from './frontend.ts'
import { callManyTimes, letGo, openFrontend, stopClock, until, untilTold } from './frontend.ts'

let frontend: Frontend
beforeAll(async () => {
  frontend = await openFrontend()
})
afterAll(() => frontend.close())

const session = 'GET /api/v1/auth/session'
const refresh = 'POST /api/v1/auth/access_token'

/** The lines of the requests that come during the work. */
async function requestsOf(work: () => Promise<unknown>): Promise<string[]> {
  const before = frontend.gateway.requests.length
  await work()
  return frontend.gateway.requests.slice(before).map(({ line }) => line)
}

/** A tab whose user is logged in, and whose clock shows a time that is so many hours off. */
async function givenTab(hoursFast = 0): Promise<Page> {
  const { tab } = await frontend.logIn(await frontend.openBrowser(), {}, async (page) => {
    const time = Date.now() + hoursFast * 3_600_000
    await page.clock.install({ time })
    await page.clock.pauseAt(time + 1000)
  })
  await letGo(tab)
  return tab
}

describe.each([-1, 0, 1])('a tab whose clock is %i hours fast', (hoursFast) => {
  it('refreshes when the lifetime of the access token ends, and not before', async () => {
    const tab = await givenTab(hoursFast)
    await tab.clock.runFor('14:29')
    expect(await requestsOf(() => callManyTimes(tab, 1))).toEqual([session])
    await tab.clock.runFor('00:32')
    expect(await requestsOf(() => callManyTimes(tab, 1))).toEqual([refresh, session])
    expect(await requestsOf(() => callManyTimes(tab, 1))).toEqual([session])
  })
})

it('uses an access token that is about to end while it refreshes', async () => {
  const tab = await givenTab()
  await tab.clock.runFor('14:31')
  frontend.gateway.disturb(refresh, 'unanswered')
  expect(await callManyTimes(tab, 1)).toEqual([200])
})

it('refreshes before the first request after a sleep in which the monotonic clock stood still', async () => {
  const tab = await givenTab()
  frontend.server.pass('8h')
  await tab.clock.setSystemTime(Date.now() + 8 * 3_600_000)
  expect(await requestsOf(() => callManyTimes(tab, 1))).toEqual([refresh, session])
})

it('refreshes once a request is refused when no clock has moved during the sleep', async () => {
  const tab = await givenTab()
  frontend.server.pass('8h')
  expect(await requestsOf(() => callManyTimes(tab, 1))).toEqual([session, refresh, session])
})

it('is not confused by a clock that is set back', async () => {
  const tab = await givenTab()
  await tab.clock.setSystemTime(Date.now() - 3_600_000)
  expect(await requestsOf(() => callManyTimes(tab, 1))).toEqual([session])
  await tab.clock.runFor('15:01')
  expect(await requestsOf(() => callManyTimes(tab, 1))).toEqual([refresh, session])
})

it('learns that its session is over when it is shown again after a sleep', async () => {
  const tab = await givenTab()
  frontend.server.pass('8d')
  await tab.clock.setSystemTime(Date.now() + 8 * 86_400_000)
  await tab.evaluate(() => document.dispatchEvent(new Event('visibilitychange')))
  await untilTold(tab, { status: 'out', reason: 'expired' })
})

it('learns of a logout in another tab when it comes back from the back-forward cache', async () => {
  const browser = await frontend.openBrowser()
  const { tab } = await frontend.logIn(browser)
  const other = await frontend.openTab(browser)
  await tab.goto(`${frontend.gateway.origin}/healthz`)
  await other.evaluate(async () => {
    await window.auth.user()
    await window.auth.logOut()
  })
  // The tab loses its page in the middle of this call.
  await tab.evaluate(() => history.back()).catch(() => undefined)
  await until(() => tab.evaluate(() => window.states !== undefined).catch(() => false))
  await untilTold(tab, { status: 'out', reason: 'expired' })
})

it('goes ahead within a second when another tab holds the lock and hangs', async () => {
  const browser = await frontend.openBrowser()
  const { tab: hanging } = await frontend.logIn(browser)
  const tab = await frontend.openTab(browser)
  await callManyTimes(tab, 1)
  for (const one of [hanging, tab]) await stopClock(one)
  frontend.server.pass('16m')
  frontend.gateway.disturb(refresh, 'unanswered')
  const isSent = hanging.waitForRequest((request) => request.url().endsWith('/access_token'))
  void hanging.evaluate(() => window.auth.fetch('/api/v1/auth/session')).catch(() => undefined)
  await isSent

  const call = callManyTimes(tab, 1)
  await until(() => tab.evaluate(async () => ((await navigator.locks.query()).pending ?? []).length > 0))
  await tab.clock.runFor(1000)
  expect(await call).toEqual([200])
})
