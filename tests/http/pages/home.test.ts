import { refusalOf } from '../../support/answers.ts'
import { exchange } from '../../support/exchange.ts'
import { givenUser } from '../../support/fixtures.ts'
import { productionSettings } from '../../support/production.ts'
import { withServer } from '../../support/server.ts'

const browser = { Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' }

const programs = [{}, { Accept: '*/*' }, { Accept: 'application/json' }, { Accept: 'image/png' }]

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

  it.each([
    ['in production', productionSettings],
    ['where there is a frontend', { FRONTEND_URL: 'https://app.example.com' }],
  ])('answers programs with a 404 in JSON %s', async (_where, settings) => {
    await withServer(settings, async ({ url }) => {
      for (const headers of programs) {
        expect(refusalOf(await exchange(url, '/', { headers }))).toBe('404 not_found')
      }
      expect(refusalOf(await exchange(url, '/', { method: 'POST', headers: browser }))).toBe('405 method_not_allowed')
    })
  })

  it('names to programs what is served, where developers try the server out', async () => {
    await withServer(
      { CONTRACTS: 'v1,drf', DOCS: 'off' },
      async ({ url }) => {
        for (const headers of programs) {
          const { status, body } = await exchange(url, '/', { headers })
          expect([status, body]).toEqual([
            200,
            {
              mailbox: '/mailbox',
              problems: '/problems',
              health: '/healthz',
              contracts: {
                v1: { prefix: '/api/v1/auth', openapi: '/api/v1/auth/openapi.json' },
                drf: { prefix: '/api/v1/drf/auth', openapi: '/api/v1/drf/auth/openapi.json' },
              },
            },
          ])
        }
        expect(refusalOf(await exchange(url, '/', { method: 'POST' }))).toBe('405 method_not_allowed')
      },
      { mailbox: true },
    )
    await withServer({}, async ({ url }) => expect((await exchange(url, '/')).body.docs).toBe('/docs'))
  })

  it('is one link away from each page that it leads to, and from each mail', async () => {
    await withServer(
      {},
      async (server) => {
        await givenUser(server)
        const { text } = await exchange(server.url, '/mailbox')
        const [, mail = ''] = /href="(mailbox\/\d+)"/.exec(text) ?? []
        for (const page of ['docs', 'problems', 'mailbox', mail]) {
          const [, home = ''] = /<a href="([^"]+)">Home</.exec((await exchange(server.url, `/${page}`)).text) ?? []
          expect([page, home && new URL(home, `${server.url}/below/${page}`).pathname]).toEqual([page, '/below/'])
        }
      },
      { mailbox: true },
    )
  })
})
