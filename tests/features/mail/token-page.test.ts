import { createContext, runInContext } from 'node:vm'
import { exchange } from '../../support/exchange.ts'
import { givenLink, givenResetToken, givenUser, givenVerificationToken, randomUser } from '../../support/fixtures.ts'
import { call, givenVerified } from '../../support/foreign.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const front = 'http://localhost:3000'

/** Opens the link like a browser, runs the script of the page in a minimal browser, and returns what it did. */
async function open(link: string) {
  const url = new URL(link)
  const page = await exchange(server.url, url.pathname + url.search, { headers: { Accept: 'text/html' } })
  const script = /<script type="module">(.*)<\/script>/s.exec(page.text)?.[1]
  if (script === undefined) throw new Error(`no script in ${page.text}`)
  const done: { readonly what: string; readonly address: string }[] = []
  const listeners = new Map<string, (event: object) => unknown>()
  const elements = new Map<string, Record<string, unknown>>()
  const elementOf = (id: string) => {
    const addEventListener = (type: string, listener: (event: object) => unknown) => {
      listeners.set(`${id} ${type}`, listener)
    }
    const dataset = datasetOf(page.text, id)
    const element = elements.get(id) ?? {
      id,
      value: '',
      hidden: true,
      dataset,
      addEventListener,
      focus: () => undefined,
    }
    elements.set(id, element)
    return element
  }
  const location = { ...pick(url), reload: () => undefined }
  const context = createContext({
    location,
    URL,
    URLSearchParams,
    FormData: class {},
    addEventListener: () => undefined,
    history: {
      replaceState: (_state: unknown, _title: string, address: string) => {
        done.push({ what: 'address', address })
        Object.assign(location, pick(new URL(address, url.origin)))
      },
    },
    document: {
      getElementById: elementOf,
      querySelectorAll: () => [],
    },
    fetch: async (to: URL | string, { method, body, headers }: { method: string; body: string; headers: object }) => {
      // As a browser does, from the address that it shows.
      const { pathname } = new URL(to, new URL(location.pathname, url.origin))
      done.push({ what: method, address: pathname })
      const answer = await exchange(server.url, pathname, { method, body, headers: { ...headers, Accept: '*/*' } })
      return { ok: answer.status < 400, status: answer.status, json: async () => answer.body }
    },
  })
  runInContext(`{${script}}`, context)
  return { page, done, location, elementOf, listeners, status: () => elementOf('status').textContent }
}

/** The `data-` attributes of the element with that id. */
function datasetOf(html: string, id: string): Record<string, string> {
  const [tag = ''] = new RegExp(`<[^>]* id="${id}"[^>]*>`).exec(html) ?? []
  return Object.fromEntries(
    [...tag.matchAll(/ data-(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]),
  )
}

function pick({ origin, pathname, search, hash, href }: URL) {
  return { origin, pathname, search, hash, href }
}

async function givenLinkOfRestAuth() {
  const { email, username } = await givenVerified(server)
  await call(server, { method: 'POST', path: '/api/auth/password-reset/', body: { email } })
  const link = await givenLink(server, email, /reset/i)
  return { username, link, token: link.split('/').at(-2) ?? '' }
}

/** The page of a mailed link without a frontend, and its token. */
const links: Readonly<Record<string, () => Promise<{ link: string; token: string }>>> = {
  'a reset at /api/auth': givenLinkOfRestAuth,
  'a verification at /api/auth': async () => {
    const credentials = randomUser()
    await call(server, { method: 'POST', path: '/api/auth/register/', body: credentials })
    const link = await givenLink(server, credentials.email, /verify/i)
    return { link, token: new URL(link).searchParams.get('token') ?? '' }
  },
  'a reset of our own': async () => {
    const token = await givenResetToken(server, await givenUser(server))
    return { link: `${front}/reset-password#token=${token}`, token }
  },
  'a verification of our own': async () => {
    const token = await givenVerificationToken(server, await givenUser(server))
    return { link: `${front}/verify-email#token=${token}`, token }
  },
}

describe.each(Object.keys(links))('the page behind the link of %s', (name) => {
  it('takes the token out of the address before it does anything else, and shows none to other pages', async () => {
    const { link, token } = (await links[name]?.()) ?? { link: '', token: '' }
    const { page, done, location, status } = await open(link)
    expect(done.map(({ what }) => what)).toEqual(['address'])
    expect(JSON.stringify(location)).not.toContain(token)
    expect(page.text).not.toContain(token)
    expect(page.headers['referrer-policy']).toBe('no-referrer')
    expect(String(status() ?? '')).not.toMatch(/not complete/)
  })

  it('has the same page at the address that remains, which asks for the link in the mail', async () => {
    const { link } = (await links[name]?.()) ?? { link: '' }
    const { location } = await open(link)
    const again = await open(new URL(location.pathname, link).href)
    expect([again.page.status, again.status()]).toEqual([200, expect.stringMatching(/not complete/)])
  })
})

describe('the form behind a reset link of /api/auth', () => {
  it('sets the password, though the address bar has lost the token', async () => {
    const { link, username } = await givenLinkOfRestAuth()
    const { elementOf, listeners, done, status } = await open(link)
    elementOf('password').value = 'another good password'
    await listeners.get('form submit')?.({ preventDefault: () => undefined })
    expect(done.at(-1)).toEqual({ what: 'PATCH', address: new URL(link).pathname })
    expect(status()).toBe('The new password is set: log in with it')
    const login = { username, password: 'another good password' }
    expect((await call(server, { method: 'POST', path: '/api/auth/login/', body: login })).status).toBe(200)
  })
})
