import type { BrowserContextOptions, Page } from 'playwright-core'
import type { User } from '../../support/fixtures.ts'
import { givenSession, givenUser } from '../../support/fixtures.ts'
import type { Application } from './application.ts'
import {
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
  user = await givenUser(application.server)
  await givenSession(application.server, user)
})
afterAll(async () => {
  await application.close()
  expect(application.complaints).toEqual([])
})

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
})
