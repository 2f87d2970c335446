import type { Exchange, Sides } from './sides.ts'

/** A promise that is held against an answer; the title says what was promised. */
export type Check = (title: string, holds: boolean, answer?: Exchange) => void

const newPassword = 'another horse battery'

interface Pair {
  readonly access: string
  readonly refresh: string
}

/** The move from Django to this server, as users and their operator see it. */
export async function playStory({ django, ours, importUsers }: Sides, check: Check): Promise<void> {
  const { algorithms, password } = django.users
  const logInAtDjango = (username: string) => django.send('POST /token/', { username, password })
  const tokensOf = async (username: string): Promise<Pair> => (await logInAtDjango(username)).body
  const refreshAtDjango = (refresh: string) => django.send('POST /token/refresh/', { refresh })
  const swap = (refresh: string) => ours.send('POST /api/refresh/', { refresh })
  const keep = (refresh: string) => ours.send('POST /api/auth/token/refresh/', { refresh })

  const live = new Map<string, Pair>()
  for (const name of algorithms) {
    const login = await logInAtDjango(name)
    check(`${name} logs in at Django`, login.status === 200, login)
    live.set(name, login.body)
  }
  const pairOf = (name: string) => live.get(name) as Pair
  const [first = '', second = '', third = ''] = algorithms
  const [left, blacklisted, older] = [await tokensOf(first), await tokensOf(first), await tokensOf(second)]
  await django.send('POST /token/blacklist/', { refresh: blacklisted.refresh })

  const early = await swap(left.refresh)
  check('a token of a user who was not imported yet is refused', early.status === 401, early)
  const refused = await importUsers()
  check('an import that cannot take all users takes none', refused.exit === 2, early)
  const imported = await importUsers('--on-conflict', 'rename', '--missing-email', 'placeholder')
  check('an import that may leave users out says that it has', imported.exit === 3)
  check('an import says what it has done', /taken over/.test(imported.output))

  for (const name of algorithms) {
    const { access, refresh } = pairOf(name)
    const read = await ours.send('GET /api/v1/auth/session', undefined, access)
    check(`the access token that ${name} has from Django reads`, read.body.user?.username === name, read)
    check(`${name} has no session of ours yet`, read.body.session === null, read)
    const change = await ours.send('PATCH /api/v1/auth/profile', { first_name: 'Ada' }, access)
    check(`the access token that ${name} has from Django changes nothing`, change.status === 401, change)
    const swapped = await swap(refresh)
    check(`the refresh token that ${name} has from Django opens a session`, swapped.status === 200, swapped)
    const profile = await ours.send('GET /api/v1/auth/session', undefined, swapped.body.access)
    check(`that session is ${name}'s`, profile.body.user?.username === name, profile)
    const there = await django.send('GET /whoami/', undefined, swapped.body.access)
    check(`Django knows ${name} by an access token of ours`, there.body.username === name, there)
    const spent = await refreshAtDjango(refresh)
    check(`Django refuses the token that ${name} has swapped`, spent.status === 401, spent)
    const login = await ours.send('POST /api/login/', { username: name, password })
    check(`${name} logs in here with the password of Django`, login.status === 200, login)
    const again = await ours.send('POST /api/login/', { username: name, password })
    check(`${name} logs in with the new hash of the same password`, again.status === 200, again)
    const wrong = await ours.send('POST /api/login/', { username: name, password: `${password}!` })
    check(`${name} does not log in with another password`, wrong.status === 401, wrong)
  }

  const replayed = await swap(pairOf(first).refresh)
  check('a swapped token that comes back is refused', replayed.body.detail === 'Token is blacklisted', replayed)
  const refusedAsBlacklisted = await swap(blacklisted.refresh)
  check('a token on the blacklist of Django is refused', refusedAsBlacklisted.status === 401, refusedAsBlacklisted)

  const kept = [await keep(left.refresh), await keep(left.refresh)]
  check(
    'a token goes on where refresh tokens do',
    kept.every(({ status }) => status === 200),
    kept[1],
  )
  const gone = await ours.send('POST /api/auth/logout/', { refresh: left.refresh })
  check('a logout with the token of Django is taken', gone.status === 205, gone)
  const after = [await keep(left.refresh), await refreshAtDjango(left.refresh)]
  check(
    'and the token is refused on both sides',
    after.every(({ status }) => status === 401),
    after[0],
  )

  const both = await tokensOf(third)
  const swappedLater = await swap(both.refresh)
  check('a user who logs in at Django after the import is known here', swappedLater.status === 200, swappedLater)
  const back = await tokensOf(third)
  check('Django still serves the user', (await refreshAtDjango(back.refresh)).status === 200)
  check('and this server takes that token too', (await swap(back.refresh)).status === 200)

  const session = (await ours.send('POST /api/login/', { username: second, password })).body
  const changed = await ours.send(
    'POST /api/change-password/',
    { old_password: password, new_password: newPassword },
    session.access,
  )
  check('the password is changed here', changed.status === 200, changed)
  const outdated = await swap(older.refresh)
  check('a token that Django issued before is refused', outdated.status === 401, outdated)
  check(
    'the old password is refused here',
    (await ours.send('POST /api/login/', { username: second, password })).status === 401,
  )
  check('Django has not been told of the new password', (await logInAtDjango(second)).status === 200)
  const logInThere = (username: string, password: string) =>
    django.send('POST /login-there/', { url: ours.url, username, password })
  for (const [word, name] of [
    [newPassword, second],
    [password, null],
  ] as const) {
    const asked = await logInThere(second, word)
    check(`a Django that asks this server finds ${name} by that password`, asked.body.username === name, asked)
  }
  await ours.send('POST /api/v1/auth/register_credentials', {
    username: 'newcomer',
    email: 'new@example.com',
    password,
  })
  const unknown = await logInThere('newcomer', password)
  check('and no user who is unknown there', unknown.body.username === null, unknown)
  const open = await ours.send('POST /api/v1/auth/login_credentials', { username: second, password: newPassword })
  const { total } = (await ours.send('GET /api/v1/auth/sessions', undefined, open.body.access_token)).body
  check('and leaves no session behind', total === 2, open)

  for (const name of ['unusable', 'inactive']) {
    const login = await ours.send('POST /api/login/', { username: name, password })
    check(`${name} does not log in here`, login.status === 401, login)
  }
  const renamed = await ours.send('POST /api/login/', { username: 'with_space', password })
  check('a user whose name had to be changed logs in by the new one', renamed.status === 200, renamed)
  const placeheld = await ours.send('POST /api/login/', { username: 'no-address', password })
  check('a user without an address logs in by the username', placeheld.status === 200, placeheld)
  const twins = await Promise.all(
    ['twin', 'other-twin'].map((username) => ours.send('POST /api/login/', { username, password })),
  )
  check('of two users with one address one was taken', twins.filter(({ status }) => status === 200).length === 1)
}
