import type { Browser, BrowserContext } from 'playwright-core'
import { launchChromium } from '../../support/browser.ts'
import { givenUser } from '../../support/fixtures.ts'
import type { Gateway } from '../../support/gateway.ts'
import { openGateway } from '../../support/gateway.ts'
import type { ServerBehindGateway } from '../../support/server-behind-gateway.ts'
import { startBehindGateway } from '../../support/server-behind-gateway.ts'
import { createClient, logInAs, serve, usernameIn } from './frontend.ts'

let pages: Gateway
let behind: ServerBehindGateway
let chromium: Browser
let pagesUrl: string
beforeAll(async () => {
  pages = await openGateway('http://127.0.0.1:1', serve, 'https')
  // The server is at localhost: for browsers this is another site.
  pagesUrl = pages.origin.replace('localhost', '127.0.0.1')
  const settings = { PUBLIC_URL: 'https://localhost', CORS_ORIGINS: pagesUrl, COOKIE_SAMESITE: 'none' }
  behind = await startBehindGateway(settings, serve, 'https')
  // As browsers that block the cookies of other sites unless they are partitioned.
  chromium = await launchChromium(['--test-third-party-cookie-phaseout'])
})
afterAll(async () => {
  await chromium.close()
  await behind.close()
  await pages.close()
})

async function refreshCookieOf(browser: BrowserContext) {
  return (await browser.cookies()).find(({ name }) => name === '__Host-refresh-partitioned')
}

describe('a page of another site, over HTTPS with COOKIE_SAMESITE=none', () => {
  it('logs in, refreshes after a reload and logs out with a partitioned cookie', async () => {
    const { server, gateway } = behind
    const user = await givenUser(server)
    const browser = await chromium.newContext({ ignoreHTTPSErrors: true })
    const tab = await browser.newPage()
    const open = async () => {
      await tab.goto(`${pagesUrl}/tab`)
      await createClient(tab, { baseUrl: gateway.origin })
    }
    await open()
    await logInAs(tab, user)
    expect(await refreshCookieOf(browser)).toMatchObject({
      sameSite: 'None',
      secure: true,
      httpOnly: true,
      partitionKey: 'https://127.0.0.1',
    })

    await open()
    expect(await usernameIn(tab)).toBe(user.username)
    server.pass('16m')
    expect(await tab.evaluate(async () => (await window.auth.session())?.current)).toBe(true)
    await tab.evaluate(() => window.auth.logOut())
    expect(await refreshCookieOf(browser)).toBeUndefined()
    await open()
    expect(await usernameIn(tab)).toBeUndefined()
  })
})
