import { givenUser } from '../../support/fixtures.ts'
import type { Gateway } from '../../support/gateway.ts'
import { openGateway } from '../../support/gateway.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer } from '../../support/server.ts'
import type { Frontend } from './frontend.ts'
import { callManyTimes, createClient, logInAs, openFrontend, serve, usernameIn } from './frontend.ts'

let frontend: Frontend
beforeAll(async () => {
  frontend = await openFrontend()
})
afterAll(() => frontend.close())

it('leaves the refresh token to the cookie, and nothing in a storage', async () => {
  const browser = await frontend.openBrowser()
  const answers: Promise<string>[] = []
  browser.on('response', (response) => {
    if (response.request().method() === 'POST') answers.push(response.text())
  })
  const { tab } = await frontend.logIn(browser)
  frontend.server.pass('16m')
  expect(await callManyTimes(tab, 1)).toEqual([200])

  expect(await browser.cookies()).toContainEqual(
    expect.objectContaining({ name: 'refresh', httpOnly: true, sameSite: 'Strict' }),
  )
  const kept = await tab.evaluate(() => [
    document.cookie,
    ...Object.values(localStorage),
    ...Object.values(sessionStorage),
  ])
  expect(kept).toEqual([''])
  expect(answers).toHaveLength(2)
  for (const text of await Promise.all(answers)) expect(text).not.toContain('refresh_token')
})

it('logs a page in again that is loaded anew', async () => {
  const { tab, user } = await frontend.logIn(await frontend.openBrowser())
  await tab.reload()
  await createClient(tab, { baseUrl: frontend.gateway.origin })
  expect(await usernameIn(tab)).toBe(user.username)
})

it.each(['', '/'])('takes the address %j as that of the page', async (baseUrl) => {
  const { tab, user } = await frontend.logIn(await frontend.openBrowser())
  await createClient(tab, { baseUrl })
  expect(await usernameIn(tab)).toBe(user.username)
})

it('stays logged in after a change of the password', async () => {
  const { tab, user } = await frontend.logIn(await frontend.openBrowser())
  await tab.evaluate((body) => window.auth.call('POST /change_password', { body }), {
    current_password: user.password,
    new_password: 'a better horse battery',
  })
  for (let time = 0; time < 2; time += 1) {
    frontend.server.pass('16m')
    expect(await callManyTimes(tab, 1)).toEqual([200])
  }
})

describe('a page of another origin', () => {
  let pages: Gateway
  let server: TestServer
  beforeAll(async () => {
    pages = await openGateway('http://127.0.0.1:1', serve)
    server = await startServer({ CORS_ORIGINS: pages.origin })
  })
  afterAll(async () => {
    await pages.close()
    await server.close()
  })

  it('keeps its session in the cookie where it is listed', async () => {
    const user = await givenUser(server)
    const tab = await (await frontend.openBrowser()).newPage()
    await tab.goto(`${pages.origin}/tab`)
    const baseUrl = server.url.replace('127.0.0.1', 'localhost')
    await createClient(tab, { baseUrl })
    await logInAs(tab, user)
    server.pass('16m')
    expect(await tab.evaluate(async () => (await window.auth.session())?.current)).toBe(true)
    await tab.evaluate(() => window.auth.logOut())
    await createClient(tab, { baseUrl })
    expect(await usernameIn(tab)).toBeUndefined()
  })

  it('gets no session where it is not listed', async () => {
    const { tab } = await frontend.logIn(await frontend.openBrowser())
    await tab.goto(`${pages.origin}/tab`)
    await createClient(tab, { baseUrl: frontend.gateway.origin })
    const outcome = await tab.evaluate(() => window.auth.user().catch(({ name }) => name))
    expect(outcome).toBe('TypeError')
  })
})
