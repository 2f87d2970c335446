import { isAlive, isDue, readAccessToken } from '../src/access-token.ts'
import { now } from '../src/clock.ts'

const claims = { sub: 'a user', sid: 'a session', jti: 'a session.7.1798761600.access' }
const access_token = `header.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.signature`

/** A token of that lifetime that came so many seconds ago, by each clock. */
function tokenOf(expires_in: number, { monotonic, wall }: { monotonic: number; wall: number }) {
  const instant = now()
  const arrived = { monotonic: instant.monotonic - monotonic * 1000, wall: instant.wall - wall * 1000 }
  return readAccessToken({ access_token, expires_in }, arrived)
}

it('reads the user, the session and the generation', () => {
  const token = tokenOf(900, { monotonic: 0, wall: 0 })
  expect(token).toMatchObject({ userId: 'a user', sessionId: 'a session', generation: 7, lifetime: 900_000 })
})

it.each([
  ['30 s before the end of a long lifetime', 900, 869, 871],
  ['a tenth of a short one before its end', 60, 53, 55],
])('is due %s', (_, lifetime, early, late) => {
  expect(isDue(tokenOf(lifetime, { monotonic: early, wall: early }))).toBe(false)
  expect(isDue(tokenOf(lifetime, { monotonic: late, wall: late }))).toBe(true)
  expect(isAlive(tokenOf(lifetime, { monotonic: late, wall: late }))).toBe(true)
})

it.each([
  ['the monotonic clock stood still', { monotonic: 0, wall: 901 }],
  ['the wall clock was set back', { monotonic: 901, wall: -3600 }],
])('is over where %s', (_, ages) => {
  expect(isAlive(tokenOf(900, ages))).toBe(false)
})
