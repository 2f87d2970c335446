import { randomUser } from '../../support/fixtures.ts'
import type { Application } from './application.ts'
import { followMail, heading, openApplication, origin, submit } from './application.ts'

let application: Application
beforeAll(async () => {
  application = await openApplication()
})
afterAll(() => application.close())

it('takes a user from the registration to the logout', async () => {
  const { username, email, password } = randomUser()
  const page = await application.open()
  await page.getByRole('link', { name: 'Register' }).click()
  await submit(page, { Username: username, 'E-mail address': email, Password: password }, 'Register')
  await heading(page, `Hello, ${username}`)

  await page.getByRole('link', { name: 'Open the mailbox' }).click()
  await page.getByRole('link', { name: 'Verify your e-mail address' }).first().click()
  await page.frameLocator('iframe').getByRole('link').first().click()
  await page.getByRole('button', { name: 'Verify my address' }).click()
  await heading(page, 'Your address is verified')
  await page.getByRole('link', { name: 'Continue' }).click()
  await page.getByText(`Your address ${email} is verified.`).waitFor()

  await page.getByRole('button', { name: 'Log out' }).click()
  await heading(page, 'Welcome')
  await page.getByRole('link', { name: 'Log in' }).click()
  await submit(page, { 'Username or e-mail address': email, Password: password }, 'Log in')
  await heading(page, `Hello, ${username}`)

  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Profile' }).click()
  await submit(page, { 'First name': 'Ada', 'Phone number': '+44 20 7946 0018' }, 'Save')
  await page.getByText('Your profile is saved.').waitFor()

  // Another username needs an authentication of the last ten minutes.
  application.server.pass('11m')
  await submit(page, { Username: `${username}-2` }, 'Save')
  await page.getByRole('dialog', { name: 'Confirm that it is you' }).waitFor()
  await submit(page, { Password: 'a wrong password' }, 'Confirm')
  await page.getByRole('dialog').getByText('is wrong').waitFor()
  await submit(page, { Password: password }, 'Confirm')
  await page.getByText('Your profile is saved.').waitFor()
  expect(await page.getByRole('dialog').count()).toBe(0)

  await page.getByRole('link', { name: 'Password' }).click()
  const newPassword = 'a better horse battery'
  await submit(page, { 'Current password': password, 'New password': newPassword }, 'Change the password')
  await page.getByText('Your password is changed.').waitFor()

  const elsewhere = await application.open('/log-in')
  await submit(elsewhere, { 'Username or e-mail address': email, Password: newPassword }, 'Log in')
  await heading(elsewhere, 'Hello, Ada')
  await page.getByRole('link', { name: 'Sessions' }).click()
  await page.getByRole('button', { name: /^Log out there/ }).click()
  await page.getByText('That session has ended.').waitFor()
  await elsewhere.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Sessions' }).click()
  await elsewhere.getByText('Your session was ended from elsewhere').waitFor()

  await page.getByRole('button', { name: 'Log out everywhere' }).click()
  await heading(page, 'Welcome')
  expect(await page.evaluate(() => Object.keys(localStorage).concat(Object.keys(sessionStorage)))).toEqual([])
})

it('registers users with the time zone of their browser', async () => {
  const { username, email, password } = randomUser()
  const page = await application.open('/register', { timezoneId: 'Asia/Tokyo' })
  await submit(page, { Username: username, 'E-mail address': email, Password: password }, 'Register')
  await heading(page, `Hello, ${username}`)
  await page.goto(`${origin}/profile`)
  expect(await page.getByLabel('Time zone').inputValue()).toBe('Asia/Tokyo')
})

it('lets a user who forgot the password set another one', async () => {
  const { username, email, password } = randomUser()
  await application.server.send('POST', '/register_credentials', { body: { username, email, password } })
  const page = await application.open('/log-in')
  await page.getByRole('link', { name: 'Forgot your password?' }).click()
  await submit(page, { 'E-mail address': email }, 'Send the mail')
  await page.getByText('the mail is on its way').waitFor()

  await followMail(page, 'Reset your password')
  await heading(page, 'Set a new password')
  expect(page.url()).toBe(`${origin}/reset-password`)
  await submit(page, { 'New password': 'password1' }, 'Set the password')
  await page.getByText('This is one of the passwords that are tried first.').waitFor()
  await submit(page, { 'New password': 'a better horse battery' }, 'Set the password')
  await heading(page, 'Your password is set')

  await page.getByRole('main').getByRole('link', { name: 'Log in' }).click()
  const credentials = { 'Username or e-mail address': username, Password: 'a better horse battery' }
  await submit(page, credentials, 'Log in')
  await heading(page, `Hello, ${username}`)
})
