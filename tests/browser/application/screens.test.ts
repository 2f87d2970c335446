import type { BrowserContextOptions, Page } from 'playwright-core'
import type { User } from '../../support/fixtures.ts'
import { givenSession, givenUser, randomUser } from '../../support/fixtures.ts'
import type { Application } from './application.ts'
import {
  copyRefreshToken,
  findingsOf,
  heading,
  keepScreenshot,
  layoutShiftOf,
  logIn,
  openApplication,
  origin,
  submit,
} from './application.ts'

let application: Application
let user: User
beforeAll(async () => {
  application = await openApplication()
})
beforeEach(async () => {
  user = await givenUser(application.server)
  await givenSession(application.server, user)
})
afterAll(() => application.close())

/** What is on each screen, and what is done there before it is looked at. */
const screens: Readonly<Record<string, (page: Page) => Promise<unknown>>> = {
  '/': (page) => heading(page, 'Welcome'),
  '/register': async (page) => {
    await submit(page, { Username: 'a b', 'E-mail address': 'ada', Password: 'monday' }, 'Register')
    await page.getByText('letters, digits').waitFor()
  },
  '/log-in': async (page) => {
    await submit(page, { 'Username or e-mail address': user.username, Password: 'a wrong one' }, 'Log in')
    await page.getByText('The username or the password is wrong.').waitFor()
  },
  '/forgot-password': async (page) => {
    await submit(page, { 'E-mail address': 'ada@example.com' }, 'Send the mail')
    await page.getByText('the mail is on its way').waitFor()
  },
  '/verify-email#token=x': (page) => heading(page, 'Verify your address'),
  '/verify-email': (page) => page.getByText('This link is not complete').waitFor(),
  '/reset-password#token=x': async (page) => {
    await page.getByLabel('New password', { exact: true }).fill('correct horse')
    await page.getByRole('button', { name: 'Show: New password' }).click()
  },
}

/** Those for users who are logged in. */
const ownScreens: typeof screens = {
  '/': (page) => page.getByText('Please verify your address').waitFor(),
  '/profile': async (page) => {
    await submit(page, { 'Phone number': '12' }, 'Save')
    await page.locator('[aria-invalid=true]').waitFor()
  },
  '/password': (page) => heading(page, 'Change the password'),
  '/sessions': (page) =>
    page
      .getByRole('button', { name: /^Log out there/ })
      .first()
      .waitFor(),
}

/** How a session ends, and what the user reads then. */
const ends: Readonly<Record<string, (page: Page) => Promise<string>>> = {
  reuse: async (page) => {
    await copyRefreshToken(application.server, page)
    application.server.pass('16m')
    return 'it may have been copied'
  },
  expired: async () => {
    application.server.pass('8d')
    return 'Your session has expired.'
  },
  revoked: async () => {
    await application.server.send('POST', '/logout_all', { token: user.access_token })
    return 'Your session was ended from elsewhere'
  },
}

const devices: Readonly<Record<string, BrowserContextOptions>> = {
  'phone in light': { viewport: { width: 360, height: 740 }, colorScheme: 'light', isMobile: true, hasTouch: true },
  'phone in dark': { viewport: { width: 360, height: 740 }, colorScheme: 'dark', isMobile: true, hasTouch: true },
  'desktop in light': { viewport: { width: 1280, height: 800 }, colorScheme: 'light' },
  'desktop in dark': { viewport: { width: 1280, height: 800 }, colorScheme: 'dark' },
}

/** Loads the page and measures how much moves before a user does anything. */
async function load(page: Page, path: string): Promise<void> {
  await page.goto('about:blank')
  await page.goto(origin + path)
  await page.locator('footer').waitFor()
  await page.waitForLoadState('networkidle')
  expect([path, await layoutShiftOf(page)]).toEqual([path, 0])
}

async function judge(page: Page, name: string): Promise<void> {
  const wider = await page.evaluate(() => Math.max(0, document.documentElement.scrollWidth - innerWidth))
  expect({ name, wider, findings: await findingsOf(page) }).toEqual({ name, wider: 0, findings: [] })
  await keepScreenshot(page, name.replace(/\W+/g, '-'))
}

it('the footer lies below everything else on a page that is higher than the window', async () => {
  const page = await application.open('/', { viewport: { width: 1200, height: 500 } })
  await logIn(page, user)
  await page.goto(`${origin}/profile`)
  const save = await page.getByRole('button', { name: 'Save' }).boundingBox()
  const footer = await page.locator('footer').boundingBox()
  expect(save && footer && footer.y - (save.y + save.height)).toBeGreaterThan(0)
})

describe.each(Object.keys(devices))('on a %s screen', (device) => {
  it('axe finds nothing on any page, nothing moves, and nothing is wider than the screen', async () => {
    const page = await application.open('/', devices[device])
    for (const [path, prepare] of Object.entries(screens)) {
      await load(page, path)
      await prepare(page)
      await judge(page, `${path.slice(1) || 'welcome'} on a ${device} screen`)
    }
    await logIn(page, user)
    for (const [path, prepare] of Object.entries(ownScreens)) {
      await load(page, path)
      await prepare(page)
      await judge(page, `${path.slice(1) || 'home'} on a ${device} screen`)
    }
    application.server.pass('11m')
    await page.getByRole('button', { name: 'Log out everywhere' }).click()
    await page.getByRole('dialog').waitFor()
    await judge(page, `dialog on a ${device} screen`)
    await page.keyboard.press('Escape')
    await page.getByText('Nothing was changed, as you have not confirmed who you are.').waitFor()
  }, 240_000)

  it('axe finds nothing where the server does not answer', async () => {
    const page = await application.open('/', devices[device])
    await page.route('**/api/**', (route) => route.abort())
    await page.reload()
    await page.getByRole('button', { name: 'Try again' }).waitFor()
    await judge(page, `server away on a ${device} screen`)

    await page.unroute('**/api/**')
    await load(page, '/register')
    const { username, email, password } = randomUser()
    await page.route('**/api/**', (route) => route.abort())
    await submit(page, { Username: username, 'E-mail address': email, Password: password }, 'Register')
    await page.getByText('Nothing that you typed is lost.').waitFor()
    await judge(page, `form while the server is away on a ${device} screen`)
  })

  it.each(Object.keys(ends))('axe finds nothing where a session has ended: %s', async (reason) => {
    const page = await application.open('/', devices[device])
    await logIn(page, user)
    const text = await ends[reason]?.(page)
    await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Sessions' }).click()
    await page.getByText(text ?? '').waitFor()
    await heading(page, 'Log in')
    await judge(page, `session ${reason} on a ${device} screen`)
  })
})
