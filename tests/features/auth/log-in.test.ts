import { availableParallelism } from 'node:os'
import {
  keysOf,
  pairKeys,
  refusalOf,
  secondsBetween,
  shownUser,
  times,
  uuid,
  visibleOf,
} from '../../support/answers.ts'
import { comparedDuring, countHashedDuring, pairsDuring } from '../../support/bcrypt.ts'
import { withClient } from '../../support/database.ts'
import type { User } from '../../support/fixtures.ts'
import {
  countSessions,
  givenDisabled,
  givenResetToken,
  givenUser,
  logIn,
  randomUser,
  recordedBy,
} from '../../support/fixtures.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer, withServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const newPassword = 'another good password'
const storedPassword = ({ id }: { id: number }) =>
  server.database.db.password.findUniqueOrThrow({ where: { userId: id } })

describe('POST /login_credentials', () => {
  it('answers with the token pair of a new session and the user, and nothing else', async () => {
    const user = await givenUser(server)
    const { status, body } = await logIn(server, user.username, user.password)
    expect(status).toBe(200)
    expect(keysOf(body)).toEqual([...pairKeys, 'user'].sort())
    expect(body).toMatchObject({ token_type: 'bearer', expires_in: 900, refresh_expires_in: 604_800 })
    expect(body.user).toEqual(shownUser(user))
    expect((await server.send('GET', '/session', { token: body.access_token })).status).toBe(200)
    expect(await countSessions(server, user)).toBe(2)
  })

  it('takes the username and the address, in any case and width', async () => {
    const user = await givenUser(server)
    const wide = user.username.replaceAll(/[a-z]/g, (mail) => String.fromCodePoint(mail.charCodeAt(0) + 0xfee0))
    for (const identifier of [user.username, user.username.toUpperCase(), wide, user.email, user.email.toUpperCase()]) {
      const { status, body } = await logIn(server, identifier, user.password)
      expect([status, body.user?.id]).toEqual([200, user.id])
    }
  })

  it('shows and keeps when the last login was', async () => {
    const user = await givenUser(server)
    server.pass('1h')
    const { body } = await logIn(server, user.username, user.password)
    expect(secondsBetween(body.user.date_joined, body.user.last_login)).toBe(3600)
  })

  it('records who logged in, when and from where', async () => {
    const user = await givenUser(server)
    const body = { username: user.username, password: user.password }
    const [event, ...others] = await recordedBy(server, 'POST', '/login_credentials', { body })
    expect([event, ...others]).toEqual([
      { type: 'login_succeeded', userId: user.id, sessionId: expect.stringMatching(uuid), details: {} },
    ])
    const session = await server.database.db.session.findUniqueOrThrow({ where: { id: event?.sessionId ?? '' } })
    expect(session).toMatchObject({ userId: user.id, ip: '127.0.0.1', userAgent: 'a browser of 1843' })
  })

  it('answers a wrong password, an unregistered name and a disabled user with the same bytes', async () => {
    const user = await givenUser(server)
    const disabled = await givenUser(server)
    await givenDisabled(server, disabled)
    const answers = [
      await logIn(server, user.username, 'correct horse batterx'),
      await logIn(server, user.email, 'correct horse batterx'),
      await logIn(server, randomUser().username, user.password),
      await logIn(server, randomUser().email, user.password),
      await logIn(server, 'no such user, as it has spaces', user.password),
      await logIn(server, disabled.username, disabled.password),
      await logIn(server, disabled.email, disabled.password),
      await logIn(server, disabled.username, 'correct horse batterx'),
    ]
    for (const answer of answers) {
      expect(refusalOf(answer)).toBe('401 credentials_invalid')
    }
    expect(new Set(answers.map(visibleOf)).size).toBe(1)
    expect(await countSessions(server, user)).toBe(1)
  })

  it('does the same work for an unregistered name, a disabled user and a wrong password', async () => {
    const [user, disabled] = [await givenUser(server), await givenUser(server)]
    await givenDisabled(server, disabled)
    for (const username of [user.username, disabled.username, randomUser().username, randomUser().email]) {
      const compared = await comparedDuring(() => logIn(server, username, 'correct horse batterx'))
      expect(compared).toEqual([expect.stringMatching(/^\$2b\$04\$[./A-Za-z0-9]{53}$/)])
    }
  })

  it('changes nothing of a disabled user', async () => {
    const user = await givenUser(server)
    await givenDisabled(server, user)
    const before = await server.database.db.user.findUniqueOrThrow({ where: { id: user.id } })
    await logIn(server, user.username, user.password)
    expect(await server.database.db.user.findUniqueOrThrow({ where: { id: user.id } })).toEqual(before)
    expect(await server.database.db.session.count({ where: { userId: user.id } })).toBe(1)
  })

  it.each([
    ['100 bytes', 'a'.repeat(99), 'b', 'c'],
    ['128 bytes', 'a'.repeat(127), 'b', 'c'],
    // Both end in a character of four bytes, of which the last differs.
    ['500 bytes', '🐎'.repeat(124), '😀', '😁'],
  ])('tells passwords of %s apart by their last byte', async (_length, start, last, otherLast) => {
    const user = await givenUser(server, { password: start + last })
    expect(refusalOf(await logIn(server, user.username, start + otherLast))).toBe('401 credentials_invalid')
    expect(refusalOf(await logIn(server, user.username, start))).toBe('401 credentials_invalid')
    expect((await logIn(server, user.username, start + last)).status).toBe(200)
  })

  it('refuses a username and a password that are too long to exist', async () => {
    const answer = await logIn(server, 'x'.repeat(255), 'x'.repeat(513))
    expect(refusalOf(answer)).toBe('400 invalid_request #/username too_big #/password too_big')
  })

  it('checks only that the password is right, even when the rules have become stricter', async () => {
    const user = await givenUser(server, { password: 'just ten c' })
    await withServer({ ...server.settings, PASSWORD_MIN_LENGTH: '20' }, async (stricter) => {
      expect((await logIn(stricter, user.username, 'just ten c')).status).toBe(200)
      expect(refusalOf(await logIn(stricter, user.username, 'x'))).toBe('401 credentials_invalid')
    })
  })
})

describe('POST /login_credentials, a hash that is out of date', () => {
  it('is renewed when the cost has changed, and the password stays the same version', async () => {
    const user = await givenUser(server)
    const before = await storedPassword(user)
    await withServer({ ...server.settings, BCRYPT_COST: '5' }, async (costlier) => {
      expect(refusalOf(await logIn(costlier, user.username, 'correct horse batterx'))).toBe('401 credentials_invalid')
      expect(await storedPassword(user)).toEqual(before)
      expect((await logIn(costlier, user.username, user.password)).status).toBe(200)
    })
    const after = await storedPassword(user)
    expect(after.hash).toMatch(/^bcrypt-sha384\$none\$2b\$05\$/)
    expect(after).toMatchObject({ version: before.version, changedAt: before.changedAt })
    expect((await logIn(server, user.username, user.password)).status).toBe(200)
    expect((await server.send('GET', '/session', { token: user.access_token })).status).toBe(200)
  })

  it('is not renewed for a disabled user, who is refused after as much work as for a wrong password', async () => {
    const user = await givenUser(server)
    await givenDisabled(server, user)
    const before = await storedPassword(user)
    await withServer({ ...server.settings, BCRYPT_COST: '6' }, async (costlier) => {
      for (const attempt of [user.password, 'correct horse batterx']) {
        let compared: string[] = []
        const hashed = await countHashedDuring(async () => {
          compared = await comparedDuring(() => logIn(costlier, user.username, attempt))
        })
        expect(hashed).toBe(0)
        expect(compared.map((hash) => hash.slice(0, 7))).toEqual(['$2b$04$', '$2b$04$', '$2b$05$'])
      }
    })
    expect(await storedPassword(user)).toEqual(before)
  })

  it('is left alone when it is up to date', async () => {
    const user = await givenUser(server)
    const before = await storedPassword(user)
    await logIn(server, user.username, user.password)
    expect((await storedPassword(user)).hash).toBe(before.hash)
  })

  it('is renewed when a pepper is introduced, and again when that is replaced', async () => {
    const user = await givenUser(server)
    const [older, newer] = ['the older pepper of 32 bytes and more', 'the newer pepper of 32 bytes and more']
    await withServer({ ...server.settings, PASSWORD_PEPPER: older }, async (peppered) => {
      expect((await logIn(peppered, user.username, user.password)).status).toBe(200)
    })
    const withOlder = await storedPassword(user)
    expect(withOlder.hash).toMatch(/^bcrypt-sha384\$[\da-f]{8}\$2b\$04\$/)
    expect(refusalOf(await logIn(server, user.username, user.password))).toBe('401 credentials_invalid')
    await withServer({ ...server.settings, PASSWORD_PEPPER: newer }, async (forgetful) => {
      expect(refusalOf(await logIn(forgetful, user.username, user.password))).toBe('401 credentials_invalid')
    })
    await withServer({ ...server.settings, PASSWORD_PEPPER: `${newer},${older}` }, async (both) => {
      expect((await logIn(both, user.username, user.password)).status).toBe(200)
    })
    const withNewer = await storedPassword(user)
    expect(withNewer.hash).toMatch(/^bcrypt-sha384\$[\da-f]{8}\$2b\$04\$/)
    expect(withNewer.hash.slice(0, 22)).not.toBe(withOlder.hash.slice(0, 22))
    expect(withNewer.version).toBe(1)
    await withServer({ ...server.settings, PASSWORD_PEPPER: newer }, async (moved) => {
      expect((await logIn(moved, user.username, user.password)).status).toBe(200)
    })
  })

  it('does not delay any of 20 logins at once', async () => {
    const user = await givenUser(server)
    await withServer({ ...server.settings, BCRYPT_COST: '5' }, async (costlier) => {
      const answers = await times(20, () => logIn(costlier, user.username, user.password))
      expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
      for (const { body } of answers) {
        expect((await costlier.send('GET', '/session', { token: body.access_token })).status).toBe(200)
      }
    })
    expect(await countSessions(server, user)).toBe(21)
    expect((await storedPassword(user)).version).toBe(1)
    expect((await logIn(server, user.username, user.password)).status).toBe(200)
  })

  it('never brings back a password that was reset meanwhile', async () => {
    await withServer({ ...server.settings, BCRYPT_COST: '5' }, async (costlier) => {
      for (let round = 0; round < 5; round += 1) {
        const user = await givenUser(server)
        const token = await givenResetToken(server, user)
        const [reset] = await Promise.all([
          server.send('POST', '/reset_password', { body: { token, new_password: newPassword } }),
          ...Array.from({ length: 4 }, () => logIn(costlier, user.username, user.password)),
        ])
        expect(reset.status).toBe(200)
        expect(refusalOf(await logIn(server, user.username, user.password))).toBe('401 credentials_invalid')
        // Logins after the reset were wrong, and may have throttled the account.
        server.pass('5s')
        expect((await logIn(server, user.username, newPassword)).status).toBe(200)
      }
    })
  })
})

describe('POST /login_credentials, racing a new password', () => {
  async function race(user: User, change: () => Promise<{ status: number }>) {
    const [changed, ...logins] = await Promise.all([
      change(),
      ...Array.from({ length: 6 }, () => logIn(server, user.username, user.password)),
    ])
    expect(changed.status).toBe(200)
    for (const login of logins) {
      const seen =
        login.status === 200 ? await server.send('GET', '/session', { token: login.body.access_token }) : login
      expect(refusalOf(seen)).toBe(login.status === 200 ? '401 session_revoked' : '401 credentials_invalid')
    }
    expect(refusalOf(await logIn(server, user.username, user.password))).toBe('401 credentials_invalid')
  }

  it('leaves no session of the old password after a reset', async () => {
    for (let round = 0; round < 6; round += 1) {
      const user = await givenUser(server)
      const token = await givenResetToken(server, user)
      await race(user, () => server.send('POST', '/reset_password', { body: { token, new_password: newPassword } }))
      expect(await countSessions(server, user)).toBe(0)
    }
  })

  it('leaves no session of the old password after a change, but the one that changed it', async () => {
    for (let round = 0; round < 6; round += 1) {
      const user = await givenUser(server)
      const body = { current_password: user.password, new_password: newPassword }
      await race(user, () => server.send('POST', '/change_password', { token: user.access_token, body }))
      expect(await countSessions(server, user)).toBe(1)
    }
  })

  /** A login that waits for a change of that user, which is then committed. */
  async function logInDuring(user: User, changes: readonly string[]) {
    const url = server.settings.DATABASE_URL ?? ''
    return withClient(url, (change) =>
      withClient(url, async (watcher) => {
        await change.query('BEGIN')
        for (const text of changes) await change.query(text, [user.id])
        const answer = logIn(server, user.username, user.password)
        const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
        while ((await watcher.query(waiting)).rowCount === 0);
        await change.query('COMMIT')
        return answer
      }),
    )
  }
  const newEpoch = 'UPDATE users SET session_epoch = session_epoch + 1 WHERE id = $1'

  it('is refused when a new password is committed while it waits', async () => {
    const user = await givenUser(server)
    const login = await logInDuring(user, ['UPDATE passwords SET version = version + 1 WHERE user_id = $1', newEpoch])
    expect(refusalOf(login)).toBe('401 credentials_invalid')
    expect(await countSessions(server, user)).toBe(0)
  })

  it('opens a session that lives when the user logs out everywhere while it waits', async () => {
    const user = await givenUser(server)
    const login = await logInDuring(user, [newEpoch])
    const seen = await server.send('GET', '/session', { token: login.body.access_token })
    expect([login.status, seen.status]).toEqual([200, 200])
    expect(await countSessions(server, user)).toBe(1)
  })
})

describe('POST /login_credentials, under load', () => {
  const crowd = availableParallelism() * 4 + 20

  it('answers each of many users at once by the own password, comparing two at once', async () => {
    await withServer({ ...server.settings, BCRYPT_COST: '9', HASH_QUEUE: '1000' }, async (busy) => {
      const users = await times(crowd, () => givenUser(busy))
      let answers: Awaited<ReturnType<typeof logIn>>[] = []
      const pairs = await pairsDuring(async () => {
        answers = await times(crowd, (index) => {
          const { username = '', password = '' } = users[index] ?? {}
          return logIn(busy, username, index % 3 === 0 ? `${password}x` : password)
        })
      })
      expect(pairs.length).toBeGreaterThan(0)
      answers.forEach((answer, index) => {
        expect(index % 3 === 0 ? refusalOf(answer) : answer.body.user.username).toBe(
          index % 3 === 0 ? '401 credentials_invalid' : users[index]?.username,
        )
      })
    })
  })

  it('refuses with 503 the logins beyond the hash queue, and serves the others', async () => {
    const user = await givenUser(server)
    await withServer({ ...server.settings, BCRYPT_COST: '9', HASH_QUEUE: '1' }, async (small) => {
      const answers = await times(crowd, () => logIn(small, user.username, 'correct horse batterx'))
      const refused = answers.filter(({ status }) => status === 503)
      expect(refused.length).toBeGreaterThan(0)
      for (const answer of refused) {
        expect(refusalOf(answer)).toBe('503 overloaded')
        expect(answer.headers['retry-after']).toMatch(/^[1-9]\d*$/)
      }
      const served = answers.filter((answer) => !refused.includes(answer))
      expect(served.length).toBeGreaterThanOrEqual(availableParallelism() + 1)
      expect(new Set(served.map(({ status }) => status))).toEqual(new Set([401]))
      expect(refusalOf(await logIn(small, user.username, 'correct horse batterx'))).toBe('401 credentials_invalid')
    })
  })

  const logInFrom = (address: string, { username, password }: Pick<User, 'username' | 'password'>, on: TestServer) =>
    on.send('POST', '/login_credentials', { body: { username, password }, headers: { 'X-Forwarded-For': address } })

  it.each([
    ['an IPv4 address', () => '203.0.113.1'],
    ['an IPv6 /56', (index: number) => `2001:db8:0:${(0x100 + index).toString(16)}::1`],
  ])('serves another client in turn, however many logins come from %s', async (_network, addressOf) => {
    // Each comparison takes long beside the way of a request to the queue, on a busy machine too.
    const settings = { ...server.settings, BCRYPT_COST: '10', HASH_QUEUE: '1000', TRUST_PROXY: '1' }
    await withServer(settings, async (busy) => {
      const user = await givenUser(busy)
      let answered = 0
      const flood = Array.from({ length: crowd * 2 }, async (_, index) => {
        const answer = await logInFrom(addressOf(index), { ...randomUser(), password: 'a guess' }, busy)
        answered += 1
        return answer
      })
      await Promise.race(flood)
      expect((await logInFrom('203.0.113.2', user, busy)).status).toBe(200)
      expect(answered).toBeLessThan(crowd)
      for (const answer of await Promise.all(flood)) expect(refusalOf(answer)).toBe('401 credentials_invalid')
    })
  })

  it('refuses with 503 only the logins of a network beyond half of the queue', async () => {
    const settings = { ...server.settings, BCRYPT_COST: '9', HASH_QUEUE: '8', TRUST_PROXY: '1' }
    await withServer(settings, async (busy) => {
      const users = await times(4, () => givenUser(busy))
      const flood = Array.from({ length: crowd }, () =>
        logInFrom('203.0.113.1', { ...randomUser(), password: 'a guess' }, busy),
      )
      await Promise.race(flood)
      const others = await times(4, (index) =>
        logInFrom(`203.0.113.${index + 2}`, users[index] ?? { username: '', password: '' }, busy),
      )
      expect(others.map(({ status }) => status)).toEqual([200, 200, 200, 200])
      const statuses = (await Promise.all(flood)).map(({ status }) => status)
      expect(statuses).toContain(503)
      expect(statuses).toContain(401)
    })
  })

  it('lets requests without a password pass the queued hashes', async () => {
    await withServer({ ...server.settings, BCRYPT_COST: '9', HASH_QUEUE: '1000' }, async (busy) => {
      const user = await givenUser(busy)
      let hashing = true
      const logins = times(crowd, () => logIn(busy, user.username, 'correct horse batterx')).finally(() => {
        hashing = false
      })
      let answeredMeanwhile = 0
      while (hashing) {
        const { status } = await busy.send('GET', '/session', { token: user.access_token })
        expect(status).toBe(200)
        if (hashing) answeredMeanwhile += 1
      }
      expect(answeredMeanwhile).toBeGreaterThan(0)
      for (const login of await logins) expect(refusalOf(login)).toBe('401 credentials_invalid')
    })
  })
})
