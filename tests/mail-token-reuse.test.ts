import { randomBytes } from 'node:crypto'
import { askAnonymously, bytesOf } from './support/anonymous.ts'
import { givenResetToken, givenUser, givenVerificationToken } from './support/fixtures.ts'
import type { TestServer } from './support/server.ts'
import { startServer } from './support/server.ts'

let server: TestServer
/** On the same database, where nothing is limited. */
let lenient: TestServer
beforeAll(async () => {
  lenient = await startServer()
  server = await startServer({ ...lenient.settings, RATE_LIMITS: 'on', TRUST_PROXY: '1' })
})
afterAll(async () => {
  await server.close()
  await lenient.close()
})

const new_password = 'another good password'

/** Mailed tokens that are not valid any more, and one that was never mailed. */
async function givenInvalidTokens(): Promise<string[]> {
  const late = await givenUser(lenient)
  const lateOnes = [await givenVerificationToken(lenient, late), await givenResetToken(lenient, late)]
  lenient.pass('25h')
  const user = await givenUser(lenient)
  const replaced = await givenVerificationToken(lenient, user)
  await lenient.send('POST', '/resend_verification', { body: { email: user.email } })
  const reset = await givenResetToken(lenient, user)
  // The same password again would be the repetition of a request whose answer was lost.
  const body = { token: reset, new_password: 'a third good password' }
  expect((await lenient.send('POST', '/reset_password', { body })).status).toBe(200)
  return [randomBytes(32).toString('base64url'), ...lateOnes, replaced, reset]
}

describe('a mailed token that is not valid', () => {
  it.each([
    ['POST /api/v1/auth/verify_email', (token: string) => ({ token })],
    ['POST /api/auth/verify-email/', (token: string) => ({ token })],
    ['GET /api/auth/verify-email/?token={token}', () => undefined],
    ['POST /api/v1/auth/reset_password', (token: string) => ({ token, new_password })],
    [
      'POST /api/auth/password/reset/confirm/',
      (token: string) => ({ token, new_password, new_password_confirm: new_password }),
    ],
    ['PATCH /api/auth/password-reset-confirm/MQ/{token}/', () => ({ password: new_password })],
  ] as const)(
    'is refused with the same bytes, whether unregistered, expired, replaced or of another purpose: %s',
    async (route, body) => {
      const told: string[] = []
      for (const token of await givenInvalidTokens()) {
        told.push(bytesOf(await askAnonymously(server, route.replace('{token}', token), body(token))))
      }
      expect(told[0]).toMatch('[400,')
      expect(told).toEqual(told.map(() => told[0]))
    },
  )
})
