import { Client } from 'pg'
import { runSql } from '../support/catalog.ts'
import { refusalOfCommand, runCommand } from '../support/command.ts'
import { startDatabaseProxy } from '../support/database-proxy.ts'
import type { DjangoDatabase } from '../support/django-database.ts'
import {
  blacklistTables,
  djangoUser,
  givenDjangoDatabase,
  insertRows,
  loginStatus,
} from '../support/django-database.ts'
import { djangoKey, djangoToken } from '../support/django-tokens.ts'
import type { Follower } from '../support/follower.ts'
import { startFollower } from '../support/follower.ts'
import { claimsOf } from '../support/foreign.ts'
import { endProcesses } from '../support/process.ts'
import type { TestServer } from '../support/server.ts'
import { startServer } from '../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer({ DJANGO_SECRET_KEY: djangoKey })
})
afterAll(async () => {
  await endProcesses()
  await server.close()
})

type Row = Readonly<Record<string, unknown>>

/** Of another password than that of the others. */
const newHash = 'bcrypt$$2b$05$abcdefghijklmnopqrstuujf8SX2ahXLwp9w/B.Y5XdysS6yR576q'
const newPassword = 'x'.repeat(72)

const rowsHere = (sql: string) => runSql<Record<string, unknown>>(server.settings.DATABASE_URL ?? '', sql)
const columnsOf = async ({ id }: Row) => (await rowsHere(`SELECT * FROM users WHERE id = ${id}`))[0]

/** Does the work with a Django, some of its users, and an import that follows it. Ends that, and returns its exit code. */
async function following(
  users: readonly Row[],
  work: (django: DjangoDatabase, follower: Follower) => Promise<void>,
  ...args: readonly string[]
): Promise<number | string> {
  const django = await givenDjangoDatabase()
  await insertRows(django, users)
  return followingDjango(django.url, (follower) => work(django, follower), ...args)
}

async function followingDjango(
  url: string,
  work: (follower: Follower) => Promise<void>,
  ...args: readonly string[]
): Promise<number | string> {
  const follower = startFollower(server, url, ['--json', ...args])
  try {
    await follower.told(({ dry_run }) => dry_run === false)
    await work(follower)
  } finally {
    follower.end()
  }
  return follower.exit
}

/** Two rounds, the second of which begins after all that was written before the first. */
async function passRounds(django: DjangoDatabase, follower: Follower): Promise<void> {
  for (const round of ['one', 'two']) {
    const passing = djangoUser({ last_name: round })
    await insertRows(django, [passing])
    await follower.until(async () => (await columnsOf(passing)) !== undefined)
  }
}

describe('import django --follow', () => {
  it('takes all users once, and then those who are new and what changes of the others, until it is ended', async () => {
    const [user, added] = [djangoUser(), djangoUser()]
    const code = await following([user], async (django, follower) => {
      expect(follower.lines()).toEqual([expect.objectContaining({ taken: 1, updated: 0 })])
      await insertRows(django, [added])
      await follower.told(({ taken, at }) => taken === 1 && typeof at === 'string')
      expect(await loginStatus(server, added.username)).toBe(200)
      await django.run(`UPDATE auth_user SET first_name = 'Grace' WHERE id = ${user.id}`)
      await follower.told(({ updated }) => updated === 1)
      expect(await columnsOf(user)).toMatchObject({ first_name: 'Grace' })
      await django.run(`UPDATE auth_user SET password = '${newHash}' WHERE id = ${user.id}`)
      await follower.told(({ updated }, index) => updated === 1 && index > 2)
      expect(await loginStatus(server, user.username)).toBe(401)
      expect(await loginStatus(server, user.username, newPassword)).toBe(200)
      // Each change once: only what has changed is read.
      expect(follower.lines().map(({ taken, updated, unchanged }) => [taken, updated, unchanged])).toEqual([
        [1, 0, 0],
        [1, 0, 0],
        [0, 1, 0],
        [0, 1, 0],
      ])
    })
    expect(code).toBe(0)
  })

  it('takes a last login without a word, and keeps a password that was used here', async () => {
    const user = djangoUser()
    await following([user], async (django, follower) => {
      expect(await loginStatus(server, user.username)).toBe(200)
      const lastLogin = '2099-01-02 03:04:05+00'
      await django.run(
        `UPDATE auth_user SET last_login = '${lastLogin}', password = '${newHash}' WHERE id = ${user.id}`,
      )
      await follower.until(async () => {
        const { last_login_at: at } = (await columnsOf(user)) ?? {}
        return (at as Date).toISOString() === '2099-01-02T03:04:05.000Z'
      })
      expect(await loginStatus(server, user.username)).toBe(200)
      expect(await loginStatus(server, user.username, newPassword)).toBe(401)
      expect(follower.lines()).toHaveLength(1)
    })
  })

  it('misses no transaction that was open at Django during rounds', async () => {
    const [user, late, later] = [djangoUser(), djangoUser(), djangoUser()]
    await following([user], async (django, follower) => {
      const holder = new Client({ connectionString: django.url })
      await holder.connect()
      try {
        await holder.query(
          `BEGIN; UPDATE auth_user SET first_name = 'Late' WHERE id = ${user.id}; SAVEPOINT inner_block;
           INSERT INTO auth_user (id, username, email, password)
           VALUES (${late.id}, '${late.username}', '${late.email}', '${late.password}'); RELEASE inner_block`,
        )
        // They see what began later and ended earlier.
        await passRounds(django, follower)
        expect(await columnsOf(late)).toBeUndefined()
        await holder.query('COMMIT')
      } finally {
        await holder.end()
      }
      await follower.until(async () => (await columnsOf(late)) !== undefined)
      expect(await columnsOf(user)).toMatchObject({ first_name: 'Late' })
      await insertRows(django, [later])
      await follower.until(async () => (await columnsOf(later)) !== undefined)
    })
  })

  it('takes every one of the users who change at Django all the time', async () => {
    const users = Array.from({ length: 5 }, () => djangoUser())
    await following(users, async (django, follower) => {
      const changes = users.map(async ({ id }) => {
        for (let change = 1; change <= 40; change += 1) {
          await django.run(`UPDATE auth_user SET first_name = 'n${change}' WHERE id = ${id}`)
        }
      })
      await Promise.all(changes)
      await follower.until(async () => {
        const names = await Promise.all(users.map(async (user) => (await columnsOf(user))?.first_name))
        return names.every((name) => name === 'n40')
      })
    })
  })

  it('leaves out who cannot be taken, says so once, takes the others, and ends with 3', async () => {
    const [user, twin, third] = [djangoUser(), djangoUser(), djangoUser()]
    const code = await following([user], async (django, follower) => {
      await insertRows(django, [{ ...twin, email: user.email }, third])
      const told = await follower.told(({ left_out }) => left_out === 1)
      expect(told).toMatchObject({
        taken: 1,
        deviations: [{ django_id: String(twin.id), problem: 'email_in_use', left_out: true }],
      })
      await django.run(`UPDATE auth_user SET last_name = 'Third' WHERE id = ${third.id}`)
      await follower.told(({ updated }) => updated === 1)
      expect(follower.lines().filter(({ left_out }) => left_out !== 0)).toHaveLength(1)
    })
    expect(code).toBe(3)
  })

  it('takes who was left out as soon as another change has made room, and ends with 0', async () => {
    const [user, second] = [djangoUser(), djangoUser()]
    const code = await following([user, second], async (django, follower) => {
      // In one round, in which the address is still in use here.
      await django.run(
        `BEGIN; UPDATE auth_user SET email = 'x${user.email}' WHERE id = ${user.id};
         UPDATE auth_user SET email = '${user.email}' WHERE id = ${second.id}; COMMIT`,
      )
      await follower.told(({ left_out }) => left_out === 1)
      await insertRows(django, [djangoUser()])
      await follower.until(async () => (await columnsOf(second))?.email === user.email)
    })
    expect(code).toBe(0)
  })

  it('gives users another name where that is chosen, and refuses to begin where nothing is', async () => {
    const [user, twin] = [djangoUser(), djangoUser()]
    const named = { ...twin, username: String(user.username).toUpperCase() }
    await following(
      [user, named],
      async (_django, follower) => {
        expect(follower.lines()[0]).toMatchObject({ taken: 2, deviations: [{ renamed_to: expect.any(String) }] })
      },
      '--on-conflict',
      'rename',
    )
    const django = await givenDjangoDatabase()
    await insertRows(django, [djangoUser({ email: user.email })])
    const { code, stderr } = await runCommand(server.settings, [
      ...['import', 'django', '--from', django.url, '--follow'],
    ])
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(/^Nothing is taken over, as some users/),
    })
  })

  it('follows the blacklist, and the addresses that django-allauth verifies', async () => {
    const [user, added] = [djangoUser(), djangoUser()]
    await following([user], async (django, follower) => {
      await django.run(`${blacklistTables}
        CREATE TABLE account_emailaddress (id serial, user_id integer, email text, verified boolean)`)
      await insertRows(django, [{ user_id: user.id, email: user.email, verified: false }], 'account_emailaddress')
      await passRounds(django, follower)
      await insertRows(django, [added])
      await follower.until(async () => (await columnsOf(added)) !== undefined)
      // Active, and not verified.
      expect(await columnsOf(added)).toMatchObject({ email_verified_at: null })
      await insertRows(django, [{ user_id: added.id, email: added.email, verified: true }], 'account_emailaddress')
      await follower.until(async () => (await columnsOf(added))?.email_verified_at !== null)
      const token = djangoToken(server, String(user.id))
      const { jti } = claimsOf(token)
      await django.run(
        `WITH token AS (INSERT INTO token_blacklist_outstandingtoken (token, jti, expires_at)
           VALUES ('${token}', '${jti}', now() + interval '1 day') RETURNING id)
         INSERT INTO token_blacklist_blacklistedtoken (token_id, blacklisted_at) SELECT id, now() FROM token`,
      )
      await follower.until(
        async () => (await rowsHere(`SELECT 1 FROM django_tokens WHERE jti = '${jti}'`)).length === 1,
      )
    })
  })

  it('refuses tokens that Django issued while the password was another, also since the user was read last', async () => {
    const user = djangoUser()
    await following([user], async (django, follower) => {
      await rowsHere(`UPDATE django_users SET taken_at = '2020-01-01' WHERE user_id = ${user.id}`)
      const token = djangoToken(server, String(user.id), { lifetime: 3600 })
      await django.run(`UPDATE auth_user SET password = '${newHash}' WHERE id = ${user.id}`)
      await follower.told(({ updated }) => updated === 1)
      const { status } = await server.send('POST', '/access_token', { body: { refresh_token: token } })
      expect(status).toBe(401)
    })
  })

  it('tells in one line of a database that is away, and goes on when it is back', async () => {
    const [user, added] = [djangoUser(), djangoUser()]
    const django = await givenDjangoDatabase()
    await insertRows(django, [user])
    const proxy = await startDatabaseProxy(django.url)
    try {
      await followingDjango(proxy.url, async (follower) => {
        await proxy.cut()
        await follower.until(async () => /Tried again: /.test(follower.notes()))
        await insertRows(django, [added])
        await proxy.mend()
        await follower.until(async () => (await columnsOf(added)) !== undefined)
        await follower.until(async () => follower.notes().includes('goes on'))
        const notes = follower.notes().trim().split('\n')
        expect(notes).toEqual([
          expect.stringMatching(/^\S+Z {2}Tried again: The database of Django cannot be read: /),
          expect.stringMatching(/^\S+Z {2}The import goes on$/),
        ])
      })
    } finally {
      await proxy.cut()
    }
  })

  it('reads all anew of a table that has taken the place of the one before', async () => {
    const [user, added] = [djangoUser(), djangoUser()]
    await following([user], async (django, follower) => {
      await django.run(
        `CREATE SCHEMA older; CREATE SCHEMA newer; CREATE TABLE newer.auth_user (LIKE auth_user INCLUDING ALL)`,
      )
      await insertRows(django, [user, added], 'newer.auth_user')
      // After them that was written too long ago to be read.
      await passRounds(django, follower)
      await django.run(
        'BEGIN; ALTER TABLE auth_user SET SCHEMA older; ALTER TABLE newer.auth_user SET SCHEMA public; COMMIT',
      )
      await follower.until(async () => (await columnsOf(added)) !== undefined)
    })
  })

  it('reads all anew when that PostgreSQL has started anew, which may have lost what was read', async () => {
    const user = djangoUser()
    await following([user], async (django, follower) => {
      await passRounds(django, follower)
      await rowsHere(`UPDATE users SET first_name = 'Lost' WHERE id = ${user.id}`)
      await rowsHere(`UPDATE django_users SET profile = profile || '{"first_name": "Lost"}' WHERE user_id = ${user.id}`)
      await passRounds(django, follower)
      expect(await columnsOf(user)).toMatchObject({ first_name: 'Lost' })
      // What PostgreSQL says of its start, without starting it.
      await django.run(`
        CREATE FUNCTION pg_postmaster_start_time() RETURNS timestamptz LANGUAGE sql RETURN pg_catalog.pg_postmaster_start_time() + interval '1s';
        DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = public, pg_catalog', current_database()); END $$`)
      await follower.until(async () => (await columnsOf(user))?.first_name === '')
    })
  })

  it('is one at a time, beside which an import can run once', async () => {
    await following([djangoUser()], async (django, follower) => {
      const second = startFollower(server, django.url)
      try {
        await expect(second.told(() => true)).rejects.toThrow('Another import follows Django already')
      } finally {
        second.end()
      }
      expect([await second.exit, second.notes()]).toEqual([2, expect.stringMatching(/: end that one first\n$/)])
      await follower.until(async () => {
        const { code } = await runCommand(server.settings, ['import', 'django', '--from', django.url])
        return code === 0
      })
    })
  })

  it('prints lines for people without --json', async () => {
    const [user, twin] = [djangoUser(), djangoUser()]
    const django = await givenDjangoDatabase()
    await insertRows(django, [user])
    const follower = startFollower(server, django.url, [])
    await follower.until(async () => /taken over +1/.test(follower.printed()))
    await insertRows(django, [{ ...twin, email: user.email }])
    await follower.until(async () => /left out: /.test(follower.printed()))
    follower.end()
    expect(await follower.exit).toBe(3)
    expect(follower.printed()).toMatch(
      new RegExp(
        `\\n\\S+Z {2}0 new, 0 updated, 1 left out\\n {2}${twin.id} {2}${twin.username} {2}${user.email} {2}left out: .+\\n$`,
      ),
    )
  })

  it.each([
    [['--from', 'dump.json', '--follow'], /^Only a PostgreSQL database can be followed: .+ without --follow\n$/],
    [
      ['--from', 'postgresql://localhost/django', '--follow', '--dry-run'],
      /'--dry-run' cannot be used with .*'--follow'/,
    ],
    [['--from', 'postgresql://localhost/django', '--follow', '--every', '0s'], /must be a duration from 1s to 1d/],
  ])('refuses %j', async (args, sentence) => {
    expect(await refusalOfCommand(server, ['import', 'django', ...args])).toMatch(sentence)
  })

  it('refuses a view', async () => {
    const django = await givenDjangoDatabase()
    await django.run('CREATE VIEW people AS SELECT * FROM auth_user')
    const args = ['import', 'django', '--from', django.url, '--table', 'people', '--follow']
    expect(await refusalOfCommand(server, args)).toMatch(
      /^people is a view, whose changes cannot be followed: .+--table\n$/,
    )
  })

  it('finishes the round that has begun when it is ended', async () => {
    const [user, added] = [djangoUser(), djangoUser()]
    const code = await following([user], async (django, follower) => {
      const holder = new Client({ connectionString: server.settings.DATABASE_URL })
      await holder.connect()
      try {
        await holder.query(`BEGIN; SELECT FROM users WHERE id = ${user.id} FOR UPDATE`)
        await insertRows(django, [added])
        await django.run(`UPDATE auth_user SET first_name = 'Grace' WHERE id = ${user.id}`)
        const waiting = `SELECT FROM pg_stat_activity
          WHERE datname = current_database() AND application_name = 'import' AND wait_event_type = 'Lock'`
        await follower.until(async () => (await rowsHere(waiting)).length > 0)
        follower.end()
        await holder.query('COMMIT')
      } finally {
        await holder.end()
      }
    })
    expect(code).toBe(0)
    expect(await columnsOf(user)).toMatchObject({ first_name: 'Grace' })
  })
})
