import { exchange } from './support/exchange.ts'
import { expectProblem } from './support/refusals.ts'
import { startServer } from './support/server.ts'

const pages = ['/mailbox', '/mailbox.json', '/verify-email', '/reset-password']

describe('the pages of our own', () => {
  it('are there where neither a mail server nor a frontend is configured', async () => {
    const server = await startServer({}, { mailbox: true })
    try {
      for (const path of pages) {
        const { status, headers } = await exchange(server.url, path)
        expect([path, status, headers['cache-control']]).toEqual([path, 200, 'no-store'])
      }
    } finally {
      await server.close()
    }
  })

  it('are not there where both are', async () => {
    const settings = {
      FRONTEND_URL: 'https://app.example.com',
      EMAIL_HOST: '127.0.0.1',
      DEFAULT_FROM_EMAIL: 'auth@example.com',
    }
    const server = await startServer(settings, { mailbox: true })
    try {
      for (const path of pages) expectProblem(await exchange(server.url, path), 404, 'not_found')
    } finally {
      await server.close()
    }
  })
})

it('answers what Express gives up on in our own words too', async () => {
  const server = await startServer()
  try {
    const { status, headers, body } = await exchange(server.url, 'http://[::1')
    expect([status, body.code, headers['content-type']]).toEqual([400, 'invalid_request', 'application/problem+json'])
    expect(headers['x-powered-by']).toBeUndefined()
  } finally {
    await server.close()
  }
})
