import { refusalOf } from './support/answers.ts'
import { exchange } from './support/exchange.ts'
import { withServer } from './support/server.ts'

const pages = ['/mailbox', '/mailbox.json', '/verify-email', '/reset-password']

describe('the pages of our own', () => {
  it('are there where neither a mail server nor a frontend is configured', async () => {
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

  it('are not there where both are', async () => {
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

it('answers what Express gives up on in our own words too', async () => {
  await withServer({}, async (server) => {
    const answer = await exchange(server.url, 'http://[::1')
    expect(refusalOf(answer)).toBe('400 invalid_request')
    expect(answer.headers['x-powered-by']).toBeUndefined()
  })
})
