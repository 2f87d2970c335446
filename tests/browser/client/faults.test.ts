import type { Page } from 'playwright-core'
import type { Frontend } from './frontend.ts'
import { callManyTimes, letGo, openFrontend, stopClock, until, usernameIn } from './frontend.ts'

let frontend: Frontend
beforeAll(async () => {
  frontend = await openFrontend()
})
afterAll(() => frontend.close())

const refresh = 'POST /api/v1/auth/access_token'
const session = 'GET /api/v1/auth/session'
const modes = [{ transport: 'cookie' }, { transport: 'body', storage: 'local' }, { transport: 'body' }] as const

/** A tab whose access token the server refuses from now on, with a clock that stands still. */
async function givenExpiredTab(options: (typeof modes)[number] = modes[0]): Promise<Page> {
  const { tab } = await frontend.logIn(await frontend.openBrowser(), options, stopClock)
  await letGo(tab)
  frontend.server.pass('16m')
  return tab
}

/** Whether the page has set a timer of so many milliseconds since then. */
async function watchTimers(tab: Page): Promise<(ms: number) => Promise<boolean>> {
  const timers = await tab.evaluateHandle(() => {
    const set: (number | undefined)[] = []
    const original = window.setTimeout
    window.setTimeout = ((call: () => void, ms?: number) => {
      set.push(ms)
      return original(call, ms)
    }) as typeof setTimeout
    return set
  })
  return (ms) => timers.evaluate((set, expected) => set.includes(expected), ms)
}

const untilRefreshes = (count: number) => until(() => frontend.gateway.refreshes() === count)

describe.each(modes)('a refresh with %j', (options) => {
  it('is sent again when its answer is lost, and the session goes on', async () => {
    const tab = await givenExpiredTab(options)
    const before = frontend.gateway.refreshes()
    frontend.gateway.disturb(refresh, 'answer lost')
    expect(await callManyTimes(tab, 3)).toEqual([200, 200, 200])
    expect(frontend.gateway.refreshes() - before).toBe(2)
    await letGo(tab)
    frontend.server.pass('16m')
    expect(await callManyTimes(tab, 3)).toEqual([200, 200, 200])
  })
})

it('gives up a refresh that is not answered after five seconds, and sends another', async () => {
  const tab = await givenExpiredTab()
  const before = frontend.gateway.refreshes()
  frontend.gateway.disturb(refresh, 'unanswered')
  const call = callManyTimes(tab, 1)
  await untilRefreshes(before + 1)
  await tab.clock.runFor(5000)
  expect(await call).toEqual([200])
  expect(frontend.gateway.refreshes() - before).toBe(2)
})

it('fails a call and keeps the session when no refresh is answered', async () => {
  const tab = await givenExpiredTab()
  frontend.gateway.disturb(refresh, 'answer lost', 'answer lost')
  const outcome = await tab.evaluate(() => window.auth.fetch('/api/v1/auth/session').catch(({ name }) => name))
  expect(outcome).toBe('TypeError')
  await letGo(tab)
  expect(await callManyTimes(tab, 1)).toEqual([200])
})

it.each([
  [429, '7', 7000],
  [503, '3', 3000],
  [503, undefined, 1000],
])(
  'waits as told when a refresh is answered with %i and Retry-After %s, and keeps the session',
  async (status, seconds, ms) => {
    const tab = await givenExpiredTab()
    const before = frontend.gateway.refreshes()
    frontend.gateway.disturb(refresh, { status, headers: seconds ? { 'Retry-After': seconds } : {} })
    const isWaiting = await watchTimers(tab)
    const call = callManyTimes(tab, 5)
    await until(() => isWaiting(ms))
    await tab.clock.runFor(ms - 1)
    // A request after which one that the clock has let go would be there.
    await tab.evaluate(() => fetch('/healthz').then((response) => response.text()))
    expect(frontend.gateway.refreshes() - before).toBe(1)
    await tab.clock.runFor(1)
    expect(await call).toEqual([200, 200, 200, 200, 200])
    expect(frontend.gateway.refreshes() - before).toBe(2)
    expect(await tab.evaluate(() => window.states.map(({ status }) => status))).toEqual(['in'])
  },
)

it('answers with a 401 that is repeated after a refresh, and refreshes no more for it', async () => {
  const tab = await givenExpiredTab()
  const before = frontend.gateway.requests.length
  const refused = { status: 401 }
  frontend.gateway.disturb(session, refused, refused, refused)
  expect(await callManyTimes(tab, 1)).toEqual([401])
  expect(await callManyTimes(tab, 1)).toEqual([401])
  const lines = frontend.gateway.requests.slice(before).map(({ line }) => line)
  expect(lines).toEqual([session, refresh, session, session])
  expect(await usernameIn(tab)).toBeDefined()
})

it('answers a request that is sent from inside the refresh', async () => {
  const tab = await givenExpiredTab()
  // It must be over for the client as well: one that looks good would be sent without a refresh.
  await tab.clock.runFor('15:01')
  await tab.evaluate(() => {
    const original = window.fetch
    window.fetch = async (input, init) => {
      if (String((input as Request).url).endsWith('/access_token')) await window.auth.fetch('/healthz')
      return original(input, init)
    }
  })
  expect(await callManyTimes(tab, 2)).toEqual([200, 200])
})

it.each([
  [
    'full',
    () => {
      Storage.prototype.setItem = () => {
        throw new DOMException('There is no room', 'QuotaExceededError')
      }
    },
  ],
  [
    'forbidden',
    () => {
      Object.defineProperty(window, 'localStorage', {
        get() {
          throw new DOMException('Not here', 'SecurityError')
        },
      })
    },
  ],
])('keeps the refresh token in memory where the storage is %s', async (_, spoil) => {
  const options = { transport: 'body', storage: 'local' } as const
  const { tab } = await frontend.logIn(await frontend.openBrowser(), options, (page) => page.addInitScript(spoil))
  for (let time = 0; time < 2; time += 1) {
    frontend.server.pass('16m')
    expect(await callManyTimes(tab, 2)).toEqual([200, 200])
  }
})

it('leaves no old refresh token behind when the storage becomes full', async () => {
  const options = { transport: 'body', storage: 'local' } as const
  const { tab } = await frontend.logIn(await frontend.openBrowser(), options)
  expect(await tab.evaluate(() => localStorage.length)).toBe(1)
  await tab.evaluate(() => {
    for (let size = 2 ** 22; size >= 1; size /= 2) {
      try {
        for (;;) localStorage.setItem(`filler ${size} ${localStorage.length}`, 'x'.repeat(size))
      } catch {
        // Now with smaller ones.
      }
    }
    // The next token finds no room.
    const { setItem } = Storage.prototype
    Storage.prototype.setItem = function (name, value) {
      setItem.call(this, name, value + ' '.repeat(1000))
    }
  })
  frontend.server.pass('16m')
  expect(await callManyTimes(tab, 1)).toEqual([200])
  expect(await tab.evaluate(() => Object.keys(localStorage).filter((name) => name.startsWith('auth')))).toEqual([])
})
