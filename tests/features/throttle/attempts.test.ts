import type { Response } from 'supertest'
import { refusalOf, times, visibleOf } from '../../support/answers.ts'
import { comparedDuring } from '../../support/bcrypt.ts'
import { collide } from '../../support/collision.ts'
import { withClient } from '../../support/database.ts'
import type { Credentials } from '../../support/fixtures.ts'
import {
  eventsOf,
  givenRegistration,
  givenResetToken,
  givenUser,
  givenVerificationToken,
  logIn,
  mailsTo,
  randomUser,
} from '../../support/fixtures.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer, withServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer({ HASH_QUEUE: '1000' })
})
afterAll(() => server.close())

const wrong = 'correct horse batterx'
const fail = async (count: number, username: string, on = server) => {
  for (let index = 0; index < count; index += 1) await logIn(on, username, wrong)
}
const isIn = async ({ username, password }: Credentials) => (await logIn(server, username, password)).status === 200
const reset = async (user: Credentials, password: string) => {
  const token = await givenResetToken(server, user)
  return server.send('POST', '/reset_password', { body: { token, new_password: password } })
}

/** Every endpoint that takes a password without a session. */
const clients: [string, (credentials: Credentials, password: string) => Promise<Response>][] = [
  ['/api/v1/auth/login_credentials', ({ username }, password) => logIn(server, username, password)],
  ['/api/v1/auth/login_credentials with the address', ({ email }, password) => logIn(server, email, password)],
  [
    '/api/v1/auth/refresh_token',
    ({ username }, password) => server.send('POST', '/refresh_token', { body: { username, password } }),
  ],
  ['/api/login/', ({ username }, password) => server.send('POST', '//api/login/', { body: { username, password } })],
  [
    '/api/auth/login/ with the address in capitals',
    ({ email }, password) =>
      server.send('POST', '//api/auth/login/', { body: { email: email.toUpperCase(), password } }),
  ],
  [
    '/api/v1/drf/auth/login/',
    ({ email }, password) => server.send('POST', '//api/v1/drf/auth/login/', { body: { email, password } }),
  ],
]

async function givenVerified(): Promise<Credentials> {
  const user = await givenUser(server)
  await server.send('POST', '/verify_email', { body: { token: await givenVerificationToken(server, user) } })
  return user
}

describe('wrong passwords in a row', () => {
  it('are compared five times when 200 come at once, through two servers', async () => {
    await withServer(server.settings, async (other) => {
      for (const [name, attempts] of [
        [(await givenUser(server)).username, 200],
        [randomUser().username, 40],
        [randomUser().email, 40],
      ] as const) {
        let answers: Response[] = []
        const compared = await comparedDuring(async () => {
          answers = await times(attempts, (index) => logIn(index % 2 === 0 ? server : other, name, wrong))
        })
        expect(compared).toHaveLength(5)
        expect(new Set(answers.map(refusalOf))).toEqual(new Set(['401 credentials_invalid']))
        expect(new Set(answers.map(visibleOf)).size).toBe(1)
      }
    })
  })

  it('have no effect up to the fifth: the right one is accepted', async () => {
    const user = await givenUser(server)
    await fail(4, user.username)
    expect(await isIn(user)).toBe(true)
  })

  it('block the right one after the fifth, refused as if it were wrong', async () => {
    const user = await givenUser(server)
    const first = await logIn(server, user.username, wrong)
    await fail(4, user.username)
    const refused = await logIn(server, user.username, user.password)
    expect(refusalOf(refused)).toBe('401 credentials_invalid')
    expect(visibleOf(refused)).toBe(visibleOf(first))
    server.pass('5s')
    expect(await isIn(user)).toBe(true)
  })

  it('block for twice as long each time, and never more than a quarter of an hour', async () => {
    const user = await givenUser(server)
    await fail(5, user.username)
    for (const seconds of [5, 10, 20, 40, 80, 160, 320, 640, 900, 900]) {
      server.pass(`${seconds - 1}s`)
      expect(await comparedDuring(() => logIn(server, user.username, user.password))).toEqual([])
      server.pass('1s')
      expect(await comparedDuring(() => logIn(server, user.username, wrong))).toHaveLength(1)
    }
    server.pass('900s')
    expect(await isIn(user)).toBe(true)
  })

  it('are written while blocked as well, as the write takes time, and change nothing', async () => {
    const user = await givenUser(server)
    await fail(5, user.username)
    const read = () => server.database.db.$queryRaw<{ xmin: string }[]>`
      SELECT xmin::text, failures, blocked_until, kept_until FROM password_attempts WHERE throttle_key = ${`user:${user.id}`}`
    const [before] = await read()
    await fail(1, user.username)
    const [after] = await read()
    expect(after?.xmin).not.toBe(before?.xmin)
    expect(after).toEqual({ ...before, xmin: after?.xmin })
  })

  it('do not block longer because of attempts while blocked', async () => {
    const user = await givenUser(server)
    await fail(30, user.username)
    server.pass('5s')
    expect(await isIn(user)).toBe(true)
  })

  it('are cleared by a success, those of that account only', async () => {
    const [user, other] = [await givenUser(server), await givenUser(server)]
    await fail(4, user.username)
    await fail(5, other.username)
    expect(await isIn(user)).toBe(true)
    await fail(4, user.username)
    expect(await isIn(user)).toBe(true)
    expect(await isIn(other)).toBe(false)
  })

  it('are cleared once by a success, though one of them was sent before it and is counted late', async () => {
    const user = await givenUser(server)
    await fail(4, user.username)
    const url = server.settings.DATABASE_URL ?? ''
    await withClient(url, (others) =>
      withClient(url, async (watcher) => {
        await others.query('BEGIN')
        // A login elsewhere, and four wrong passwords after it.
        await others.query(`UPDATE users SET logins = logins + 1 WHERE id = ${user.id}`)
        await others.query(`UPDATE password_attempts SET logins = logins + 1 WHERE throttle_key = 'user:${user.id}'`)
        const late = fail(1, user.username)
        const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
        while ((await watcher.query(waiting)).rowCount === 0);
        await others.query('COMMIT')
        await late
      }),
    )
    expect(await isIn(user)).toBe(false)
    server.pass('5s')
    expect(await isIn(user)).toBe(true)
  })

  it('block from the shortest time on again after a success', async () => {
    const user = await givenUser(server)
    await fail(5, user.username)
    server.pass('5s')
    expect(await isIn(user)).toBe(true)
    await fail(5, user.username)
    server.pass('5s')
    expect(await isIn(user)).toBe(true)
  })

  it.each(clients)('are counted together, and count everywhere: %s', async (_client, send) => {
    const user = await givenVerified()
    for (const [, sendElsewhere] of clients.filter(([, other]) => other !== send)) {
      expect((await sendElsewhere(user, wrong)).status).toBe(401)
    }
    expect((await send(user, user.password)).status).toBe(401)
    server.pass('5s')
    expect((await send(user, user.password)).status).toBe(200)
  })

  it('count at a change of the password as well', async () => {
    const user = await givenUser(server)
    await times(5, () =>
      server.send('POST', '/change_password', {
        token: user.access_token,
        body: { current_password: wrong, new_password: 'another good password' },
      }),
    )
    expect(await isIn(user)).toBe(false)
    server.pass('5s')
    expect(await isIn(user)).toBe(true)
  })

  it('are not counted where the server was too busy to compare', async () => {
    const user = await givenUser(server)
    const { hash } = await server.database.db.password.findUniqueOrThrow({ where: { userId: user.id } })
    await withServer({ ...server.settings, HASH_QUEUE: '1', BCRYPT_COST: '9' }, async (busy) => {
      let answers: Response[] = []
      const compared = await comparedDuring(async () => {
        const otherLogins = times(30, () => logIn(busy, randomUser().username, wrong))
        answers = await times(30, () => logIn(busy, user.username, wrong))
        await otherLogins
      })
      expect(answers.map(({ status }) => status)).toContain(503)
      const row = await server.database.db.passwordAttempts.findUnique({ where: { throttleKey: `user:${user.id}` } })
      expect(row?.failures ?? 0).toBe(compared.filter((each) => hash.endsWith(each)).length)
    })
  })
})

/** Fails 99 times, and passes the time until the next attempt is allowed. */
async function failAlmostAHundredTimes(username: string): Promise<void> {
  for (let index = 0; index < 99; index += 1) {
    await logIn(server, username, wrong)
    if (index > 3) server.pass('900s')
  }
}

describe('a hundred wrong passwords in a row', () => {
  const failAHundredTimes = async (username: string) => {
    await failAlmostAHundredTimes(username)
    await logIn(server, username, wrong)
  }

  it('take almost a day at least', async () => {
    const user = await givenUser(server)
    await fail(5, user.username)
    const begin = server.now().getTime()
    let compared = 5
    while (server.now().getTime() < begin + 21 * 3_600_000) {
      server.pass('5s')
      const { blockedUntil } = await server.database.db.passwordAttempts.findUniqueOrThrow({
        where: { throttleKey: `user:${user.id}` },
      })
      server.pass(`${Math.max(0, Math.ceil((blockedUntil.getTime() - server.now().getTime()) / 1000))}s`)
      compared += (await comparedDuring(() => logIn(server, user.username, wrong))).length
    }
    expect(compared).toBeGreaterThan(80)
    expect(compared).toBeLessThan(100)
  })

  it('shut untrusted clients out until a reset, and tell the user once by mail', async () => {
    const user = await givenUser(server)
    await failAHundredTimes(user.email)
    // Sends the mail before it expires.
    await server.mails()
    server.pass('30d')
    expect(refusalOf(await logIn(server, user.username, user.password))).toBe('401 credentials_invalid')
    await fail(3, user.username)
    const mails = (await mailsTo(server, user.email)).filter(({ subject }) => /switched off/.test(subject))
    expect(mails).toHaveLength(1)
    expect(mails[0]?.text).toContain('127.0.0.1')
    expect(mails[0]?.text).toContain('accepted only where we know you')
    expect(mails[0]?.text).not.toMatch(/http|token/)
    const events = (await eventsOf(server, user)).filter(({ type }) => type === 'password_disabled')
    expect(events.map(({ details }) => details)).toEqual([{ failures: 100 }])

    expect((await reset(user, 'another good password')).status).toBe(200)
    expect((await logIn(server, user.username, 'another good password')).status).toBe(200)
    await fail(4, user.username)
    expect((await logIn(server, user.username, 'another good password')).status).toBe(200)
  })

  // The process can die between the hundredth failure and its consequences: the user was never told.
  it('are mailed at the next attempt when the process died at the hundredth', async () => {
    const user = await givenUser(server)
    const [throttleKey, blockedUntil] = [`user:${user.id}`, server.now()]
    await server.database.db.passwordAttempts.create({ data: { throttleKey, failures: 100, logins: 1, blockedUntil } })
    server.pass('900s')
    expect(await comparedDuring(() => fail(3, user.username))).toEqual([])
    const mails = (await mailsTo(server, user.email)).filter(({ subject }) => /switched off/.test(subject))
    expect(mails).toHaveLength(1)
    const events = (await eventsOf(server, user)).filter(({ type }) => type === 'password_disabled')
    expect(events.map(({ details }) => details)).toEqual([{ failures: 100 }])
  })

  it('are not counted when the hundredth is right, which is an ordinary success', async () => {
    const user = await givenUser(server)
    await failAlmostAHundredTimes(user.username)
    expect(await isIn(user)).toBe(true)
    expect(await isIn(user)).toBe(true)
    expect((await mailsTo(server, user.email)).filter(({ subject }) => /switched off/.test(subject))).toEqual([])
  })

  it('are mailed to an unverified mailbox five times an hour at most, for all its sub-addresses together', async () => {
    const mailbox = randomUser().username
    const users = await times(6, (index) => givenUser(server, { email: `${mailbox}+${index}@example.com` }))
    const throttleKeys = users.map(({ id }) => `user:${id}`)
    await Promise.all(users.map(({ username }) => fail(1, username)))
    await server.database.db.passwordAttempts.updateMany({
      where: { throttleKey: { in: throttleKeys } },
      data: { failures: 99, blockedUntil: server.now() },
    })
    await Promise.all(users.map(({ username }) => fail(1, username)))
    expect(
      await server.database.db.passwordAttempts.count({ where: { throttleKey: { in: throttleKeys }, failures: 100 } }),
    ).toBe(6)
    const mails = (await server.mails()).filter(({ recipient }) => recipient.startsWith(`${mailbox}+`))
    expect(mails.filter(({ subject }) => /switched off/.test(subject))).toHaveLength(5)
  })

  it('leave the sessions alone, which still accept the right password', async () => {
    const user = await givenUser(server)
    await server.database.db.session.updateMany({
      where: { userId: user.id },
      data: { accessLifetime: 86_400, expiresAt: new Date('2099-01-01'), endsAt: new Date('2099-01-01') },
    })
    await failAHundredTimes(user.username)
    const { body } = await server.send('POST', '/access_token', { body: { refresh_token: user.refresh_token } })
    const changed = await server.send('POST', '/change_password', {
      token: body.access_token,
      body: { current_password: user.password, new_password: 'another good password' },
    })
    expect(changed.status).toBe(200)
  })

  it('are not compared any more for an unregistered name', async () => {
    const { username } = randomUser()
    await failAHundredTimes(username)
    server.pass('900s')
    expect(await comparedDuring(() => logIn(server, username, wrong))).toEqual([])
  })
})

describe('a reset', () => {
  it('unblocks the account', async () => {
    const user = await givenUser(server)
    await fail(7, user.username)
    await reset(user, 'another good password')
    expect((await logIn(server, user.username, 'another good password')).status).toBe(200)
  })

  // The guess began before the reset, and closed the account that the reset had opened.
  it('is not undone by the hundredth guess at the previous password', async () => {
    const user = await givenUser(server)
    await failAlmostAHundredTimes(user.username)
    const token = await givenResetToken(server, user)
    const body = { token, new_password: 'another good password' }
    const answers = await collide(
      server,
      user.id,
      [() => server.send('POST', '/reset_password', { body }), () => logIn(server, user.username, wrong)],
      'failures',
    )
    expect(answers.map(({ status }) => status)).toEqual([200, 401])
    expect((await logIn(server, user.username, 'another good password')).status).toBe(200)
    expect((await mailsTo(server, user.email)).filter(({ subject }) => /switched off/.test(subject))).toEqual([])
  })
})

describe('the stored failures', () => {
  const count = (on = server) => on.database.db.passwordAttempts.count()

  it('contain no unregistered name and are deleted a day later; those of an account stay', async () => {
    const fresh = await startServer()
    const user = await givenUser(fresh)
    await fail(1, user.username, fresh)
    for (const name of [randomUser().username, randomUser().email]) {
      await fail(2, name, fresh)
      const rows = await fresh.database.db.passwordAttempts.findMany()
      expect(JSON.stringify(rows)).not.toContain(name)
    }
    expect(await count(fresh)).toBe(3)
    fresh.pass('23h')
    await fresh.services.cleanUp.run()
    expect(await count(fresh)).toBe(3)
    fresh.pass('2h')
    await fresh.services.cleanUp.run()
    const rows = await fresh.database.db.passwordAttempts.findMany()
    expect(rows.map(({ throttleKey }) => throttleKey)).toEqual([`user:${user.id}`])
    await fresh.close()
  })

  it('are one row per name in any spelling', async () => {
    const fresh = await startServer()
    const { email, username } = randomUser()
    for (const name of [email, email.toUpperCase(), username, username.toUpperCase(), username.replace('p', '\uff50')])
      await fail(1, name, fresh)
    expect(await count(fresh)).toBe(2)
    await fresh.close()
  })
})

describe('wrong passwords, where verification is required', () => {
  let strict: TestServer
  beforeAll(async () => {
    strict = await startServer({ ...server.settings, EMAIL_VERIFICATION: 'required' })
  })
  afterAll(() => strict.close())

  it('are compared five times with an account and five times with the pending registration of the name', async () => {
    for (const name of [(await givenUser(server)).email, (await givenRegistration(strict)).email, randomUser().email]) {
      const compared = await comparedDuring(() => times(20, () => logIn(strict, name, wrong)))
      expect(compared).toHaveLength(10)
    }
  })

  it('never block a user whose registration is pending', async () => {
    const credentials = await givenRegistration(strict)
    for (let index = 0; index < 12; index += 1) {
      expect(refusalOf(await logIn(strict, credentials.username, credentials.password))).toBe('403 email_not_verified')
    }
  })

  it('for a username do not change the answers for a registration of its address', async () => {
    const owner = await givenUser(server)
    const outcomes = []
    for (const { username, email } of [owner, randomUser()]) {
      const attempt = { ...randomUser(), email, password: 'the password of the attempt' }
      await strict.send('POST', '/register_credentials', { body: attempt })
      await fail(9, username, strict)
      outcomes.push(visibleOf(await logIn(strict, email, attempt.password)))
      await fail(5, email, strict)
      outcomes.push(visibleOf(await logIn(strict, email, attempt.password)))
    }
    expect(outcomes.slice(2)).toEqual(outcomes.slice(0, 2))
    expect(outcomes[0]).toContain('email_not_verified')
    expect(outcomes[1]).toContain('credentials_invalid')
  })

  it('are not cleared by a login with the password of a pending registration', async () => {
    const owner = await givenUser(server)
    const attempt = { ...randomUser(), email: owner.email, password: 'the password of the attempt' }
    await strict.send('POST', '/register_credentials', { body: attempt })
    const compared = await comparedDuring(async () => {
      for (let index = 0; index < 10; index += 1) {
        await logIn(strict, owner.email, wrong)
        await logIn(strict, owner.email, attempt.password)
      }
    })
    const { hash } = await server.database.db.password.findUniqueOrThrow({ where: { userId: owner.id } })
    expect(compared.filter((each) => hash.endsWith(each))).toHaveLength(5)
  })
})
