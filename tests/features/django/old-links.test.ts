import { exchange } from '../../support/exchange.ts'
import { withServer } from '../../support/server.ts'

const resets = [
  '/accounts/reset/MQ/b2v5c8-0123456789abcdef/',
  '/accounts/password/reset/key/1-b2v5c8-0123456789abcdef/',
  '/password/reset/confirm/MQ/b2v5c8-0123456789abcdef',
  '/dj-rest-auth/password/reset/confirm/MQ/b2v5c8-0123456789abcdef/',
]
const confirmations = [
  '/accounts/confirm-email/MQ:1tABCd:ofDjango/',
  '/dj-rest-auth/registration/account-confirm-email/MQ:1tABCd:ofDjango/',
  '/activate/MQ/b2v5c8-0123456789abcdef',
]

describe('a link that Django has mailed', () => {
  it('leads to a page that says how to get a new one, and to the application', () =>
    withServer({ FRONTEND_URL: 'https://app.example.com' }, async ({ url }) => {
      for (const [paths, remedy] of [
        [resets, 'ask for a new link where you log in'],
        [confirmations, 'Log in as usual'],
      ] as const) {
        for (const path of paths) {
          const { status, text } = await exchange(url, path, { headers: { Accept: 'text/html' } })
          expect([path, status]).toEqual([path, 200])
          expect(text).toContain('Your account and your password are as before')
          expect(text).toContain(remedy)
          expect(text).toContain('href="https://app.example.com"')
          expect(text).not.toContain('0123456789abcdef')
        }
      }
    }))

  it('leads to the pages of this server where no frontend is set', () =>
    withServer({}, async ({ url }) => {
      const { text } = await exchange(url, resets[0] ?? '', { headers: { Accept: 'text/html' } })
      expect(text).toMatch(/href="http:\/\/localhost:\d+"/)
    }))
})
