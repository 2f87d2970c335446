import { refusalOf } from './support/answers.ts'
import { exchange } from './support/exchange.ts'
import { withServer } from './support/server.ts'

const pages = ['/mailbox', '/mailbox.json', '/verify-email', '/reset-password']

describe('our own pages', () => {
  it('are served without a mail server and without a frontend', async () => {
    await withServer(
      {},
      async (server) => {
        for (const path of pages) {
          const { status, headers } = await exchange(server.url, path)
          expect([path, status, headers['cache-control']]).toEqual([path, 200, 'no-store'])
        }
      },
      { mailbox: true },
    )
  })

  it('are not served where both are configured', async () => {
    const settings = {
      FRONTEND_URL: 'https://app.example.com',
      EMAIL_HOST: '127.0.0.1',
      DEFAULT_FROM_EMAIL: 'auth@example.com',
    }
    await withServer(
      settings,
      async (server) => {
        for (const path of pages) expect(refusalOf(await exchange(server.url, path))).toBe('404 not_found')
      },
      { mailbox: true },
    )
  })
})

it('uses our own format for answers that Express would give by itself', async () => {
  await withServer({}, async (server) => {
    const answer = await exchange(server.url, 'http://[::1')
    expect(refusalOf(answer)).toBe('400 invalid_request')
    expect(answer.headers['x-powered-by']).toBeUndefined()
  })
})
