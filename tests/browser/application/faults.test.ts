import type { Page } from 'playwright-core'
import { givenUser, randomUser } from '../../support/fixtures.ts'
import type { Application } from './application.ts'
import {
  copyRefreshToken,
  enter,
  focusOn,
  followMail,
  heading,
  logIn,
  mailedToken,
  openApplication,
  origin,
  submit,
} from './application.ts'

let application: Application
beforeAll(async () => {
  application = await openApplication()
})
afterAll(() => application.close())

/** The methods and paths of the requests that the page sends from now on, but for those that ask whether there is a session. */
function watchRequests(page: Page): string[] {
  const requests: string[] = []
  page.on('request', (request) => {
    const { pathname } = new URL(request.url())
    if (pathname !== '/api/v1/auth/access_token') requests.push(`${request.method()} ${pathname}`)
  })
  return requests
}

const valueIn = (page: Page, label: string) => page.getByLabel(label, { exact: true }).inputValue()

describe('the link in a mail', () => {
  it('changes nothing until it is clicked, and leaves no token in the address', async () => {
    const page = await application.open('/register')
    const { username, email, password } = randomUser()
    await submit(page, { Username: username, 'E-mail address': email, Password: password }, 'Register')
    await heading(page, /^Hello/)
    await page.goto(`${origin}/mailbox`)
    const requests = watchRequests(page)
    await followMail(page, 'Verify your e-mail address')
    await page.getByRole('button', { name: 'Verify my address' }).waitFor()
    await page.waitForLoadState('networkidle')
    expect(page.url()).toBe(`${origin}/verify-email`)
    expect(requests.filter((line) => !line.startsWith('GET'))).toEqual([])

    await page.getByRole('button', { name: 'Verify my address' }).click()
    await heading(page, 'Your address is verified')
    expect(requests.filter((line) => !line.startsWith('GET'))).toEqual(['POST /api/v1/auth/verify_email'])
  })

  it('says that it has expired, and a new one is mailed', async () => {
    const user = await givenUser(application.server)
    const token = await mailedToken(application.server, user.email)
    application.server.pass('25h')
    const page = await application.open(`/verify-email#token=${token}`)
    await page.getByRole('button', { name: 'Verify my address' }).click()
    await page.getByText('This link has expired or was used already.').waitFor()
    await submit(page, { 'E-mail address': user.email }, 'Send a new link')
    await page.getByText('a new link is on its way').waitFor()

    await followMail(page, 'Verify your e-mail address')
    await page.getByRole('button', { name: 'Verify my address' }).click()
    await heading(page, 'Your address is verified')
  })

  it('says that it is not complete when the page is loaded anew', async () => {
    const page = await application.open('/reset-password#token=x')
    await heading(page, 'Set a new password')
    await page.reload()
    await page.getByText('This link is not complete').waitFor()
  })

  it('opens in a tab in which the application is open already', async () => {
    const page = await application.open('/verify-email')
    await page.getByText('This link is not complete').waitFor()
    await page.evaluate(() => location.assign('#token=x'))
    await page.getByRole('button', { name: 'Verify my address' }).waitFor()
    expect(page.url()).toBe(`${origin}/verify-email`)
  })

  it('opens in such a tab even before that is painted', async () => {
    const page = await application.open()
    await page.addInitScript(() => {
      new MutationObserver((_changes, observer) => {
        if (!document.body?.textContent?.includes('This link is not complete')) return
        observer.disconnect()
        location.hash = '#token=x'
      }).observe(document, { childList: true, subtree: true })
    })
    await page.goto(`${origin}/verify-email`)
    await page.getByRole('button', { name: 'Verify my address' }).waitFor()
    expect(page.url()).toBe(`${origin}/verify-email`)
  })
})

describe('a form', () => {
  it('shows what is wrong beside each field, and puts the focus into the first of these', async () => {
    const page = await application.open('/register')
    const fields = { Username: randomUser().username, 'E-mail address': 'ada', Password: 'x7q!' }
    await submit(page, fields, 'Register')
    await page.getByText('This must be an e-mail address').waitFor()
    await focusOn(page, '[name=email]')
    const email = page.getByLabel('E-mail address')
    expect(await email.getAttribute('aria-invalid')).toBe('true')
    const note = page.locator(`[id="${await email.getAttribute('aria-describedby')}"]`)
    expect(await note.textContent()).toMatch(/^This must be an e-mail address/)
    expect(await valueIn(page, 'Password')).toBe('x7q!')
  })

  it('says all that is wrong with a password in whole sentences', async () => {
    const page = await application.open('/register')
    const { username, email } = randomUser()
    await submit(page, { Username: username, 'E-mail address': email, Password: 'monday' }, 'Register')
    await page.getByText('This must have at least 8 characters. This is one of the passwords').waitFor()
  })

  it('asks for what is missing without the server', async () => {
    const page = await application.open('/log-in')
    const requests = watchRequests(page)
    await page.getByRole('button', { name: 'Log in' }).click()
    await focusOn(page, '[name=username]')
    expect(await page.getByText('Please fill this in.').count()).toBe(2)
    expect(requests).toEqual([])
  })

  it('says that the server is away, loses nothing, and tries again', async () => {
    const page = await application.open('/register')
    const { username, email, password } = randomUser()
    await heading(page, 'Register')
    await page.context().setOffline(true)
    await submit(page, { Username: username, 'E-mail address': email, Password: password }, 'Register')
    await page.getByText('The server cannot be reached. Nothing that you typed is lost.').waitFor()
    expect([await valueIn(page, 'Username'), await valueIn(page, 'Password')]).toEqual([username, password])
    await page.context().setOffline(false)
    await page.getByRole('button', { name: 'Try again' }).click()
    await heading(page, `Hello, ${username}`)
  })

  it('says how long to wait after too many attempts', async () => {
    const page = await application.open('/log-in')
    const body = JSON.stringify({ code: 'rate_limited', status: 429, detail: 'Too many requests' })
    const headers = { 'Content-Type': 'application/problem+json', 'Retry-After': '30' }
    await page.route('**/login_credentials', (route) => route.fulfill({ status: 429, headers, body }))
    await submit(page, { 'Username or e-mail address': 'ada', Password: 'x' }, 'Log in')
    await page.getByText('Too many attempts. Please wait 30 seconds and try again.').waitFor()
  })
})

it('a server that is away when a page is opened can be tried again', async () => {
  const page = await application.open('/log-in')
  await page.route('**/api/**', (route) => route.abort())
  await page.reload()
  await page.getByText('The server cannot be reached.').waitFor()
  await page.unroute('**/api/**')
  await page.getByRole('button', { name: 'Try again' }).click()
  await heading(page, 'Log in')
})

describe('a session that ends', () => {
  it('by a copied refresh token says so, and leads to a new password', async () => {
    const user = await givenUser(application.server)
    const page = await application.open()
    await logIn(page, user)
    await copyRefreshToken(application.server, page)
    application.server.pass('16m')
    await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Sessions' }).click()
    await page.getByText('it may have been copied').waitFor()
    await heading(page, 'Log in')
    await page.getByRole('link', { name: 'set a new password' }).click()
    await heading(page, 'Forgot your password?')
  })

  it('by its age says so, and the page is there after the login', async () => {
    const user = await givenUser(application.server)
    const page = await application.open()
    await logIn(page, user)
    application.server.pass('8d')
    await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Sessions' }).click()
    await page.getByText('Your session has expired.').waitFor()
    const credentials = { 'Username or e-mail address': user.username, Password: user.password }
    await submit(page, credentials, 'Log in')
    await heading(page, 'Sessions')
    expect(page.url()).toBe(`${origin}/sessions`)
  })

  it.each<[string, (page: Page) => Promise<unknown>]>([
    ['another page is opened', (page) => page.getByRole('link', { name: 'Profile' }).first().click()],
    ['the tab is seen again', (page) => page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')))],
  ])('elsewhere is over as soon as %s', async (_when, look) => {
    const user = await givenUser(application.server)
    const page = await application.open()
    await logIn(page, user)
    await enter(page, () => page.getByRole('link', { name: 'Password' }).first().click(), 'Change the password')
    await application.server.send('POST', '/logout_all', { token: user.access_token })
    await look(page)
    await page.getByText('Your session was ended from elsewhere').waitFor()
    await heading(page, 'Log in')
  })

  it('by a reset of the password is over in this tab as well', async () => {
    const user = await givenUser(application.server)
    const page = await application.open()
    await logIn(page, user)
    await application.server.send('POST', '/forgot_password', { body: { email: user.email } })
    await followMail(page, 'Reset your password')
    await submit(page, { 'New password': 'a better horse battery' }, 'Set the password')
    await heading(page, 'Your password is set')
    await page.getByRole('button', { name: 'Log out' }).waitFor({ state: 'detached' })
  })
})

it('completes a registration with its password, where addresses must be verified first', async () => {
  const strict = await openApplication({ EMAIL_VERIFICATION: 'required' })
  try {
    const { username, email, password } = randomUser()
    const page = await strict.open('/register')
    await submit(page, { Username: username, 'E-mail address': email, Password: password }, 'Register')
    await heading(page, 'Read your mail')
    await page.getByRole('link', { name: 'Open the mailbox' }).click()
    await followMail(page, 'Verify your e-mail address')
    await page.getByRole('button', { name: 'Verify my address' }).click()
    await submit(page, { Password: 'a wrong password' }, 'Complete the registration')
    await page.getByText('has this password').waitFor()
    await page.getByRole('button', { name: 'Choose a new password' }).click()
    await submit(page, { 'New password': 'a better horse battery' }, 'Complete the registration')
    await heading(page, 'Your address is verified')
    await logIn(page, { username, password: 'a better horse battery' })
  } finally {
    await strict.close()
  }
})
