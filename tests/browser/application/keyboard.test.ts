import type { Page } from 'playwright-core'
import { givenUser, randomUser } from '../../support/fixtures.ts'
import type { Application } from './application.ts'
import { focusOn, heading, logIn, openApplication } from './application.ts'

let application: Application
beforeAll(async () => {
  application = await openApplication()
})
afterAll(() => application.close())

/** Presses Tab until the element with that name has the focus. */
async function tabTo(page: Page, name: string): Promise<void> {
  for (let presses = 0; presses < 30; presses += 1) {
    await page.keyboard.press('Tab')
    const reached = await page.evaluate(() => {
      const element = document.activeElement
      const label = element instanceof HTMLInputElement ? element.labels?.[0]?.textContent : undefined
      return label ?? element?.getAttribute('aria-label') ?? element?.textContent
    })
    if (reached === name) return
  }
  throw new Error(`the keyboard does not reach ${name}`)
}

it('the keyboard alone is enough to register, change the password and log out', async () => {
  const { username, email, password } = randomUser()
  const page = await application.open()
  await heading(page, 'Welcome')
  await tabTo(page, 'Register')
  await page.keyboard.press('Enter')
  await heading(page, 'Register')
  await focusOn(page, 'h1')

  await tabTo(page, 'Username')
  await page.keyboard.type(username)
  await tabTo(page, 'E-mail address')
  await page.keyboard.type(email)
  await tabTo(page, 'Password')
  await page.keyboard.type(password)
  await page.keyboard.press('Enter')
  await heading(page, `Hello, ${username}`)
  await focusOn(page, 'h1')

  await page.keyboard.press('Shift+Tab')
  await page.keyboard.press('Shift+Tab')
  await page.keyboard.press('Shift+Tab')
  await page.keyboard.press('Enter')
  await heading(page, 'Change the password')
  await focusOn(page, 'h1')
  await tabTo(page, 'Current password')
  await page.keyboard.type(password)
  await tabTo(page, 'Show: Current password')
  await page.keyboard.press('Space')
  await page.locator('[name=current_password][type=text]').waitFor()
  await tabTo(page, 'New password')
  await page.keyboard.type('a better horse battery')
  await tabTo(page, 'Change the password')
  await page.keyboard.press('Enter')
  await page.getByText('Your password is changed.').waitFor()

  await page.goto(page.url())
  await heading(page, 'Change the password')
  await tabTo(page, 'Log out')
  await page.keyboard.press('Enter')
  await heading(page, 'Welcome')
  await focusOn(page, 'h1')
})

it('the dialog has the focus while it is open and gives it back, and Escape gives up', async () => {
  const user = await givenUser(application.server)
  const page = await application.open()
  await logIn(page, user)
  application.server.pass('11m')
  await page.getByRole('link', { name: 'Sessions' }).first().click()
  await heading(page, 'Sessions')
  await focusOn(page, 'h1')
  await page.getByRole('button', { name: 'Log out everywhere' }).waitFor()
  await tabTo(page, 'Log out everywhere')
  await page.keyboard.press('Enter')
  await page.getByRole('dialog', { name: 'Confirm that it is you' }).waitFor()
  await focusOn(page, '[name=password]')
  await page.keyboard.press('Escape')
  await page.getByText('Nothing was changed, as you have not confirmed who you are.').waitFor()
  await focusOn(page, 'button:has-text("Log out everywhere")')

  await page.keyboard.press('Enter')
  await page.getByRole('dialog').waitFor()
  await focusOn(page, '[name=password]')
  await page.keyboard.type(user.password)
  await page.keyboard.press('Enter')
  await heading(page, 'Welcome')
})

/** What a password manager reads: the purpose of each text field, hidden ones in brackets. */
const purposesOn = (page: Page) =>
  page
    .locator('main input')
    .evaluateAll((inputs) =>
      (inputs as HTMLInputElement[]).map((input) =>
        input.hidden ? `(${input.getAttribute('autocomplete')})` : input.getAttribute('autocomplete'),
      ),
    )

it('password managers are told what each field is for', async () => {
  const page = await application.open('/register')
  await heading(page, 'Register')
  expect(await purposesOn(page)).toEqual(['username', 'email', 'new-password'])
  for (const [path, title, purposes] of [
    ['log-in', 'Log in', ['username', 'current-password']],
    ['forgot-password', 'Forgot your password?', ['username']],
    ['reset-password#token=x', 'Set a new password', ['(username)', 'new-password']],
  ] as const) {
    await page.goto(new URL(path, page.url()).href)
    await heading(page, title)
    expect(await purposesOn(page)).toEqual(purposes)
  }
  const user = await givenUser(application.server)
  await logIn(page, user)
  await page.getByRole('link', { name: 'Password' }).first().click()
  await heading(page, 'Change the password')
  expect(await purposesOn(page)).toEqual(['(username)', 'current-password', 'new-password'])
  expect(await page.locator('main input[autocomplete=username]').inputValue()).toBe(user.username)
})

it('the strength of a password is told while it is typed', async () => {
  const page = await application.open('/register')
  await heading(page, 'Register')
  await page.getByLabel('Username').fill('lovelace')
  const shows = async (password: string, score: number) => {
    await page.getByLabel('Password', { exact: true }).fill(password)
    await page.locator(`[data-score="${score}"]`).waitFor()
  }
  for (const weak of ['password', 'abcdefghijkl', 'aaaaaaaaaaaa', 'lovelace1', 'x7q!']) {
    await shows('', 0)
    await shows(weak, 1)
  }
  await shows('correct horse battery', 4)
})
