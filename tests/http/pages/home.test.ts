import { refusalOf } from '../../support/answers.ts'
import { exchange } from '../../support/exchange.ts'
import { productionSettings } from '../../support/production.ts'
import { withServer } from '../../support/server.ts'

const browser = { Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' }

const linksOf = (html: string) => [...html.matchAll(/href="([^":]+)"/g)].map(([, path = '']) => path)

describe('GET /', () => {
  it('shows a browser a page whose links all lead somewhere, the mailbox, the documentation and the API among them', async () => {
    await withServer(
      {},
      async ({ url }) => {
        const { status, headers, text } = await exchange(url, '/', { headers: browser })
        expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
        expect(headers.vary).toContain('Accept')
        const links = linksOf(text)
        expect(links).toEqual(expect.arrayContaining(['docs', 'mailbox', 'healthz', 'api/v1/auth/openapi.json']))
        for (const link of links) expect([link, (await exchange(url, `/${link}`)).status]).toEqual([link, 200])
      },
      { mailbox: true },
    )
  })

  it('names nothing that is not served', async () => {
    await withServer({ ...productionSettings, CONTRACTS: 'v1' }, async ({ url }) => {
      const links = linksOf((await exchange(url, '/', { headers: browser })).text)
      expect(links).toEqual(['problems', 'healthz', 'readyz', 'api/v1/auth/openapi.json'])
    })
  })

  it('answers programs with a 404 in JSON', async () => {
    await withServer({}, async ({ url }) => {
      for (const headers of [{}, { Accept: '*/*' }, { Accept: 'application/json' }, { Accept: 'image/png' }]) {
        expect(refusalOf(await exchange(url, '/', { headers }))).toBe('404 not_found')
      }
      expect(refusalOf(await exchange(url, '/', { method: 'POST', headers: browser }))).toBe('405 method_not_allowed')
    })
  })
})
