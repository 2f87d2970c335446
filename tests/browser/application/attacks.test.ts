import type { Page } from 'playwright-core'
import { givenUser, randomUser } from '../../support/fixtures.ts'
import type { Gateway } from '../../support/gateway.ts'
import { openGateway } from '../../support/gateway.ts'
import type { Application } from './application.ts'
import { heading, logIn, mailedToken, openApplication, origin } from './application.ts'

let application: Application
/** Another port of the same host: another origin, yet of the same site, so browsers send the cookies along. */
let elsewhere: Gateway
beforeAll(async () => {
  application = await openApplication()
  const page = { type: 'text/html', body: '<!doctype html><link rel="icon" href="data:,"><title>Elsewhere</title>' }
  elsewhere = await openGateway('http://127.0.0.1:1', () => page)
})
afterAll(async () => {
  await elsewhere.close()
  await application.close()
})

const markup = '<img src=x onerror=hit()>'
const imagesOn = (page: Page) => page.locator('img, script:not([src])').count()

it('names, addresses and user agents are shown as text', async () => {
  // No markup is an address, but this is in HTML another one.
  const user = await givenUser(application.server, { email: randomUser().email.replace('@', '&lt@') })
  const body = { display_name: markup, first_name: markup, last_name: markup }
  const { status } = await application.server.send('PATCH', '/profile', { body, token: user.access_token })
  expect(status).toBe(200)
  const { username, password } = user
  const headers = { 'User-Agent': markup }
  await application.server.send('POST', '/login_credentials', { body: { username, password }, headers })

  const page = await application.open()
  await logIn(page, user)
  await heading(page, `Hello, ${markup}`)
  expect(await imagesOn(page)).toBe(0)
  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Sessions' }).click()
  await page.getByText(markup).waitFor()
  expect(await imagesOn(page)).toBe(0)
  await page.goto(`${origin}/mailbox`)
  await page.getByRole('cell', { name: user.email, exact: true }).waitFor()
})

it('a page of another origin on the same site neither ends nor renews the session', async () => {
  const user = await givenUser(application.server)
  const page = await application.open()
  await logIn(page, user)
  const attacker = await page.context().newPage()
  await attacker.goto(elsewhere.origin)
  const sent: string[] = []
  attacker.on('request', (request) => sent.push(`${request.method()} ${new URL(request.url()).pathname}`))
  const before = await sessionsOf(user)
  await attacker.evaluate(async (api) => {
    for (const path of ['/logout', '/logout_all', '/access_token', '/change_password']) {
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/json']) {
        for (const mode of ['no-cors', 'cors'] as const) {
          const headers = { 'Content-Type': type, ...(mode === 'cors' && { 'Auth-Transport': 'cookie' }) }
          const request = { method: 'POST', mode, headers, credentials: 'include', body: '{}' } as const
          await fetch(api + path, request).catch(() => undefined)
        }
      }
    }
  }, `${origin}/api/v1/auth`)
  expect(sent).toContain('POST /api/v1/auth/access_token')
  expect(await sessionsOf(user)).toEqual(before)
  await page.reload()
  await heading(page, `Hello, ${user.username}`)
})

it('a page of another origin hears nothing of what the tabs of a user tell each other', async () => {
  const page = await application.open()
  await logIn(page, await givenUser(application.server))
  const [attacker, tab] = [await page.context().newPage(), await page.context().newPage()]
  await attacker.goto(elsewhere.origin)
  await tab.goto(`${origin}/healthz`)
  const [heard, told] = [await listen(attacker), await listen(tab)]
  await page.reload()
  await told.evaluate(({ first }) => first)
  expect(await heard.evaluate(({ messages }) => messages)).toEqual([])
})

/** What the tab hears from now on in the channel of the client. */
function listen(tab: Page) {
  return tab.evaluateHandle((name) => {
    const messages: unknown[] = []
    const channel = new BroadcastChannel(name)
    const first = new Promise<void>((resolve) => {
      channel.onmessage = ({ data }) => {
        messages.push(data)
        resolve()
      }
    })
    return { messages, first }
  }, `auth:cookie:${origin}/api/v1/auth`)
}

async function sessionsOf({ id }: { id: number }) {
  const { session } = application.server.database.db
  return session.findMany({ where: { userId: id }, orderBy: { id: 'asc' } })
}

it.each(['/', '/log-in', '/mailbox'])('no page of another origin can put %s into a frame', async (path) => {
  const page = await application.open()
  await page.goto(elsewhere.origin)
  await page.evaluate((src) => {
    const frame = document.createElement('iframe')
    const isLoaded = new Promise((resolve) => {
      frame.onload = resolve
    })
    frame.src = src
    document.body.append(frame)
    return isLoaded
  }, origin + path)
  // The browser tells of the page in the frame a moment after it has loaded.
  await page.frames()[1]?.waitForURL(/./)
  expect(page.frames().map((frame) => frame.url())).toEqual([`${elsewhere.origin}/`, 'chrome-error://chromewebdata/'])
})

it.each([
  ['#', 'no request'],
  ['?', 'the request for the page alone'],
])(
  'the token of a mail link behind %s is in %s, and stays in no address, history, Referer or storage',
  async (mark) => {
    const { email } = await givenUser(application.server)
    const token = await mailedToken(application.server, email)
    const link = `${origin}/verify-email${mark}token=${token}`
    const page = await application.open('/mailbox')
    const shown: string[] = []
    page.on('request', (request) => {
      const referrer = request.headers().referer ?? ''
      if ((request.url().split('#')[0] + referrer).includes(token)) shown.push(`${request.url()} ${referrer}`)
    })
    await page.goto(link)
    await page.getByRole('button', { name: 'Verify my address' }).click()
    await heading(page, 'Your address is verified')
    expect(page.url()).toBe(`${origin}/verify-email`)
    expect(await page.evaluate(() => JSON.stringify([localStorage, sessionStorage, history.state]))).not.toContain(
      token,
    )

    await page.evaluate((url) => location.assign(url), elsewhere.origin)
    await page.waitForURL(`${elsewhere.origin}/`)
    expect(elsewhere.requests.at(-1)?.headers.referer).toBeUndefined()
    const { entries } = await (await page.context().newCDPSession(page)).send('Page.getNavigationHistory')
    const addresses = ['about:blank', `${origin}/mailbox`, `${origin}/verify-email`, `${elsewhere.origin}/`]
    expect(entries.map(({ url }) => url)).toEqual(addresses)
    expect(shown).toEqual(mark === '?' ? [`${link} `] : [])
  },
)
