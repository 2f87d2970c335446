import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { launchChromium } from '../support/browser.ts'
import { givenUser } from '../support/fixtures.ts'
import { openGateway } from '../support/gateway.ts'
import type { TestServer } from '../support/server.ts'
import { startServer } from '../support/server.ts'
import type { Origin } from './origin.ts'
import { openOrigin } from './origin.ts'
import { load } from './recipes.ts'

type CreateClient = (
  url: string,
  tokens: { access_token: string; refresh_token: string },
) => { get(path: string): Promise<{ status: number }> }

const pathOf = (file: string) => fileURLToPath(new URL(file, import.meta.url))

let chromium: Awaited<ReturnType<typeof launchChromium>>
let pages: Origin
let server: TestServer
beforeAll(async () => {
  chromium = await launchChromium()
  const { outputFiles } = await build({
    stdin: { contents: await readFile(pathOf('react-app.jsx'), 'utf8'), loader: 'jsx', resolveDir: pathOf('.') },
    jsx: 'automatic',
    bundle: true,
    write: false,
    format: 'esm',
    define: { 'process.env.NODE_ENV': '"production"' },
  })
  pages = await openOrigin(new Map([['app.js', outputFiles[0]?.text ?? '']]))
  server = await startServer({ CORS_ORIGINS: pages.url })
})
afterAll(async () => {
  await chromium.close()
  await server.close()
  pages.close()
})

describe('public clients, unchanged', () => {
  it('axios-auth-refresh refreshes, and repeats every call that was refused', async () => {
    const gateway = await openGateway(server.url)
    const { access_token, refresh_token } = await givenUser(server)
    const { createClient } = await load<{ createClient: CreateClient }>(pathOf('axios-client.mjs'))
    const client = createClient(gateway.origin, { access_token, refresh_token })
    for (const round of [1, 2]) {
      server.pass('16m')
      const calls = Array.from({ length: 20 }, () => client.get('/api/v1/auth/session'))
      expect(new Set((await Promise.all(calls)).map(({ status }) => status))).toEqual(new Set([200]))
      expect(gateway.refreshes()).toBeGreaterThanOrEqual(round)
    }
    await gateway.close()
  })

  it('react-auth-kit logs in, refreshes with each new refresh token, and logs out', async () => {
    const { username, password } = await givenUser(server)
    const page = await chromium.newPage()
    await page.clock.install({ time: server.now() })
    await page.goto(`${pages.url}/?server=${encodeURIComponent(server.url)}`)
    await page.evaluate((credentials) => Object.assign(window, { credentials }), { username, password })
    await page.addScriptTag({ url: '/app.js', type: 'module' })
    await page.click('text=Log in')
    await page.waitForSelector(`text=${username}`)
    const used: string[] = []
    for (const _ of ['one', 'another']) {
      server.pass('10m')
      const refreshed = page.waitForResponse((response) => response.url().endsWith('/access_token'))
      await page.clock.runFor('10:00')
      const response = await refreshed
      expect(response.status()).toBe(200)
      used.push((response.request().postDataJSON() as { refresh_token: string }).refresh_token)
      await response.finished()
      await page.waitForFunction((old) => localStorage.getItem('auth_refresh') !== old, used.at(-1))
    }
    expect(new Set(used).size).toBe(2)
    // It takes up the session that it stored.
    await page.reload()
    await page.addScriptTag({ url: '/app.js', type: 'module' })
    await page.click('text=Ask')
    await page.waitForSelector('text=answered 200')
    await page.click('text=Leave')
    await page.waitForSelector('text=logged out')
  })
})
