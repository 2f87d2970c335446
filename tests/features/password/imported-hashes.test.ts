import { comparedDuring } from '../../support/bcrypt.ts'
import { cutDjangoHash, djangoHashes, djangoPassword, weakDjangoHashes } from '../../support/django-hashes.ts'
import type { User } from '../../support/fixtures.ts'
import { givenUser } from '../../support/fixtures.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer } from '../../support/server.ts'

const { crypt, ...weak } = weakDjangoHashes
const every = { ...djangoHashes, ...weak }

let server: TestServer
let lenient: TestServer
beforeAll(async () => {
  server = await startServer()
  lenient = await startServer({ DJANGO_WEAK_HASHES: 'on' })
})
afterAll(async () => {
  await server.close()
  await lenient.close()
})

/** A user whose password was imported from Django. */
async function givenImported(hash: string, on = server): Promise<User> {
  const user = await givenUser(on)
  await on.database.db.password.update({ where: { userId: user.id }, data: { hash } })
  return user
}

async function logIn({ username }: User, password: string, on = server): Promise<number> {
  return (await on.send('POST', '/login_credentials', { body: { username, password } })).status
}

async function storedHash({ id }: User, on = server): Promise<string> {
  return (await on.database.db.password.findUniqueOrThrow({ where: { userId: id } })).hash
}

describe('a password hash that was imported from Django', () => {
  it.each(Object.entries(every))(
    'of %s refuses a wrong password, and is replaced by the right one',
    async (_, hash) => {
      const user = await givenImported(hash, lenient)
      expect(await logIn(user, 'correct horse battery', lenient)).toBe(401)
      expect(await logIn(user, djangoPassword.normalize('NFD'), lenient)).toBe(401)
      expect(await storedHash(user, lenient)).toBe(hash)
      expect(await logIn(user, djangoPassword, lenient)).toBe(200)
      expect(await storedHash(user, lenient)).toMatch(/^bcrypt-sha384\$/)
      expect(await logIn(user, djangoPassword, lenient)).toBe(200)
      expect(await logIn(user, 'correct horse battery', lenient)).toBe(401)
    },
  )

  it.each(Object.entries(weakDjangoHashes))('of %s is refused unless weak ones are switched on', async (_, hash) => {
    const user = await givenImported(hash)
    expect(await logIn(user, djangoPassword)).toBe(401)
    expect(await storedHash(user)).toBe(hash)
  })

  it('keeps the session of the login that replaces it', async () => {
    const user = await givenImported(djangoHashes.bcrypt ?? '')
    const { body } = await server.send('POST', '/login_credentials', {
      body: { username: user.username, password: djangoPassword },
    })
    expect((await server.send('GET', '/session', { token: body.access_token })).status).toBe(200)
    expect((await server.send('GET', '/session', { token: user.access_token })).status).toBe(200)
  })

  it('stays where bcrypt has cut the password, so that every ending still logs in', async () => {
    const user = await givenImported(cutDjangoHash)
    expect(await logIn(user, `${'x'.repeat(72)}y`)).toBe(200)
    expect(await storedHash(user)).toBe(cutDjangoHash)
    expect(await logIn(user, 'x'.repeat(80))).toBe(200)
    expect(await logIn(user, 'x'.repeat(71))).toBe(401)
  })

  it('stays where crypt has cut the password to eight bytes', async () => {
    const user = await givenImported(crypt ?? '', lenient)
    expect(await logIn(user, djangoPassword, lenient)).toBe(200)
    expect(await logIn(user, 'correct as well', lenient)).toBe(200)
    expect(await storedHash(user, lenient)).toBe(crypt)
  })

  it.each([
    ['bcrypt', cutDjangoHash, 'x'.repeat(72)],
    ['crypt', 'crypt$$ab/JMR494J0sg', 'eight by'],
  ])('is replaced where %s has seen the whole password', async (_, hash, password) => {
    const user = await givenImported(hash, lenient)
    expect(await logIn(user, password, lenient)).toBe(200)
    expect(await storedHash(user, lenient)).toMatch(/^bcrypt-sha384\$/)
  })

  it('takes the password with spaces around it too, and stays, so that both forms log in', async () => {
    const hash = djangoHashes.bcrypt ?? ''
    const user = await givenImported(hash)
    expect(await logIn(user, ` ${djangoPassword}\u00a0`)).toBe(200)
    expect(await storedHash(user)).toBe(hash)
    expect(await logIn(user, djangoPassword)).toBe(200)
  })

  it.each([
    ['an unusable password', '!ZOS82QV86qs2f3rGtcp7cOuozNp53EZQrLwib1UL'],
    ['an unusable password that looks like a hash', `!${djangoHashes.bcrypt}`],
    ['PBKDF2 with absurd iterations', (djangoHashes['PBKDF2 with SHA-1'] ?? '').replace('24000', '4000001')],
    ['Argon2 of absurd memory', (djangoHashes.Argon2i ?? '').replace('m=512', 'm=4194304')],
    ['Argon2 of absurdly many passes', (djangoHashes.Argon2i ?? '').replace('t=2', 't=100000')],
    ['scrypt of absurd memory', (djangoHashes['scrypt of one lane'] ?? '').replace('$16384$', '$1048576$')],
    ['scrypt of an impossible cost', (djangoHashes['scrypt of one lane'] ?? '').replace('$16384$', '$16385$')],
    ['bcrypt of an absurd cost', (djangoHashes.bcrypt ?? '').replace('$05$', '$31$')],
    ['an unknown scheme', 'whirlpool$seasalt12345$3071616024c313a81e3b33f5529af44a'],
  ])('is refused without being computed when it is %s', async (_, hash) => {
    const user = await givenImported(hash, lenient)
    const compared = await comparedDuring(async () => expect(await logIn(user, djangoPassword, lenient)).toBe(401))
    // Only what every login costs.
    expect(compared).toEqual([expect.stringMatching(/^\$2b\$04\$[./A-Za-z0-9]{53}$/)])
  })

  it('costs at least what one of ours costs, whether the password is right or wrong', async () => {
    const user = await givenImported(weakDjangoHashes.MD5 ?? '', lenient)
    const compared = await comparedDuring(() => logIn(user, 'correct horse battery', lenient))
    expect(compared).toEqual([expect.stringMatching(/^\$2b\$04\$[./A-Za-z0-9]{53}$/)])
  })

  it('is throttled like one of ours', async () => {
    const user = await givenImported(djangoHashes.bcrypt ?? '')
    for (let index = 0; index < 5; index += 1) await logIn(user, 'a wrong password')
    expect(await logIn(user, djangoPassword)).toBe(401)
  })

  it('proves the password where it is changed, too', async () => {
    const user = await givenImported(djangoHashes.bcrypt ?? '')
    const body = { current_password: djangoPassword, new_password: 'a second good password' }
    expect((await server.send('POST', '/change_password', { token: user.access_token, body })).status).toBe(200)
    expect(await logIn(user, 'a second good password')).toBe(200)
    expect(await logIn(user, djangoPassword)).toBe(401)
  })
})
