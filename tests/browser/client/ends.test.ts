import type { BrowserContext } from 'playwright-core'
import type { Frontend } from './frontend.ts'
import { callManyTimes, openFrontend, untilTold, usernameIn } from './frontend.ts'

let frontend: Frontend
beforeAll(async () => {
  frontend = await openFrontend()
})
afterAll(() => frontend.close())

describe('the reason of the end of a session', () => {
  it('is reuse when its refresh token was copied', async () => {
    const options = { transport: 'body', storage: 'local' } as const
    const { tab } = await frontend.logIn(await frontend.openBrowser(), options)
    const copy = await tab.evaluate(() => Object.values(localStorage)[0])
    await frontend.server.send('POST', '/access_token', { body: { refresh_token: copy } })
    frontend.server.pass('16m')
    expect(await callManyTimes(tab, 2)).toEqual([401, 401])
    await untilTold(tab, { status: 'out', reason: 'reuse' })
  })

  it.each([
    ['it was idle for too long', '8d', (_browser: BrowserContext) => undefined],
    ['its cookie is gone', '16m', (browser: BrowserContext) => browser.clearCookies()],
  ])('is expired when %s', async (_, passed, spoil) => {
    const browser = await frontend.openBrowser()
    const { tab } = await frontend.logIn(browser)
    await spoil(browser)
    frontend.server.pass(passed)
    await callManyTimes(tab, 1)
    await untilTold(tab, { status: 'out', reason: 'expired' })
  })

  it('is revoked when it was ended elsewhere, and all tabs are told', async () => {
    const browser = await frontend.openBrowser()
    const { tab, user } = await frontend.logIn(browser)
    const other = await frontend.openTab(browser)
    expect(await usernameIn(other)).toBe(user.username)
    await frontend.server.send('POST', '/logout_all', { token: user.access_token })
    await callManyTimes(tab, 1)
    await untilTold(tab, { status: 'out', reason: 'revoked' })
    await untilTold(other, { status: 'out', reason: 'revoked' })
  })

  it('is not there for a browser that was never logged in', async () => {
    const tab = await frontend.openTab(await frontend.openBrowser())
    expect(await usernameIn(tab)).toBeUndefined()
    await untilTold(tab, { status: 'out' })
  })
})
