import { mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { launchChromium } from '../../support/browser.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer } from '../../support/server.ts'

/** The address of the server by default, so that the links in mails lead there. */
export const origin = 'http://localhost:3000'

const artefacts = new URL('../../../artefacts/application/', import.meta.url)
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** The built demo application as the server serves it, and a browser that finds the server under its own address. */
export interface Application {
  readonly server: TestServer
  /** A browser of its own, without cookies, and its first tab. */
  open(path?: string, options?: BrowserContextOptions): Promise<Page>
  /** Closes it, and fails when a browser has complained: remarks on forms and agent clusters count, and its own lines about answers in the 400s and unreachable servers do not. */
  close(): Promise<void>
}

export async function openApplication(settings: Readonly<Record<string, string>> = {}): Promise<Application> {
  const applicationFolder = new URL('../../../examples/spa/dist/', import.meta.url)
  const server = await startServer(settings, { mailbox: true, applicationFolder })
  const browser = await launchChromium([
    `--host-resolver-rules=MAP localhost:3000 127.0.0.1:${new URL(server.url).port}`,
  ])
  const complaints: string[] = []

  function watch(page: Page): void {
    page.on('pageerror', (error) => complaints.push(String(error)))
    page.on('console', (message) => {
      const isAnswer = /^Failed to load resource: (the server responded with a status of 4|net::ERR_)/.test(
        message.text(),
      )
      const isRemark = /^\[DOM\]|agent cluster/.test(message.text())
      // What is said on pages of other origins is no fault of the application.
      const isOwn = page.url().startsWith(`${origin}/`)
      if (isOwn && ((message.type() === 'error' && !isAnswer) || isRemark))
        complaints.push(`${page.url()}: ${message.text()}`)
    })
  }

  return {
    server,
    async open(path = '/', options = {}) {
      const context = await browser.newContext({ locale: 'en-GB', ...options })
      context.on('page', watch)
      const page = await context.newPage()
      page.setDefaultTimeout(15_000)
      await page.goto(origin + path)
      return page
    },
    async close() {
      await browser.close()
      await server.close()
      expect(complaints).toEqual([])
    },
  }
}

/** Each finding of axe as one line. */
export async function findingsOf(page: Page): Promise<string[]> {
  // Here and not in each page and frame, where reading it takes a second on a slow machine.
  await page.evaluate(axe)
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: typeof import('axe-core') }
    const { violations } = await axe.run()
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
    )
  })
}

/** The sum of unexpected layout shifts since the page was loaded. */
export function layoutShiftOf(page: Page): Promise<number> {
  return page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        let sum = 0
        const add = (entries: PerformanceEntry[]) => {
          for (const entry of entries as (PerformanceEntry & { value: number })[]) sum += entry.value
        }
        const observer = new PerformanceObserver((list) => add(list.getEntries()))
        observer.observe({ type: 'layout-shift', buffered: true })
        requestAnimationFrame(() => requestAnimationFrame(() => resolve(sum)))
      }),
  )
}

/** Keeps what the page looks like, to be looked at. */
export async function keepScreenshot(page: Page, name: string): Promise<void> {
  mkdirSync(artefacts, { recursive: true })
  await page.screenshot({
    path: new URL(`${name}.png`, artefacts).pathname,
    fullPage: (await page.getByRole('dialog').count()) === 0,
  })
}

/** The heading of the page, once it is this one. */
export async function heading(page: Page, text: string | RegExp): Promise<void> {
  await page.getByRole('heading', { level: 1, name: text }).waitFor()
}

/** Waits until that element has the focus: the application gives it after the page was painted. */
export async function focusOn(page: Page, selector: string): Promise<void> {
  await page.locator(`${selector}:focus`).waitFor()
}

/** Fills in the fields with these labels and presses the button. */
export async function submit(page: Page, fields: Readonly<Record<string, string>>, button: string): Promise<void> {
  for (const [label, value] of Object.entries(fields)) await page.getByLabel(label, { exact: true }).fill(value)
  await page.getByRole('button', { name: button, exact: true }).click()
}

/** Opens the newest mail with that subject in the mailbox, and the link in it. */
export async function followMail(page: Page, subject: string): Promise<void> {
  await page.goto(`${origin}/mailbox`)
  await page.getByRole('link', { name: subject }).first().click()
  await page.frameLocator('iframe').getByRole('link').first().click()
}

/** The token in the newest mail to that address. */
export async function mailedToken(server: TestServer, email: string): Promise<string> {
  const { body } = await server.send('GET', '//mailbox.json')
  return body.mails.find(({ to }: { to: string }) => to === email).token
}

export async function logIn(
  page: Page,
  { username, password }: { readonly username: string; readonly password: string },
): Promise<void> {
  await page.goto(`${origin}/log-in`)
  await enter(
    page,
    () => submit(page, { 'Username or e-mail address': username, Password: password }, 'Log in'),
    /^Hello/,
  )
}

/** Enters a page of a user that is logged in, and waits until the page has asked for the session, as it does then. */
export async function enter(page: Page, go: () => Promise<void>, title: string | RegExp): Promise<void> {
  const asked = page.waitForResponse('**/api/v1/auth/session')
  await go()
  await heading(page, title)
  await (await asked).finished()
}

/** Uses the refresh token of the page elsewhere, as a thief does. */
export async function copyRefreshToken(server: TestServer, page: Page): Promise<void> {
  const cookies = (await page.context().cookies()).map(({ name, value }) => `${name}=${value}`).join('; ')
  const headers = { Cookie: cookies, 'Auth-Transport': 'cookie', 'Sec-Fetch-Site': 'same-origin' }
  expect((await server.send('POST', '/access_token', { headers })).status).toBe(200)
}
