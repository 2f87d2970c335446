import { refusalOf, shownUser, times, uuid } from '../../support/answers.ts'
import type { User } from '../../support/fixtures.ts'
import { eventsOf, givenUser, logIn, randomUser, recordedBy } from '../../support/fixtures.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const change = ({ access_token: token }: User, body: object) => server.send('PATCH', '/profile', { token, body })
const read = async ({ access_token: token }: User) => (await server.send('GET', '/profile', { token })).body

describe('PATCH /profile', () => {
  it('changes the fields that are given and no others', async () => {
    const user = await givenUser(server)
    const first = await change(user, {
      first_name: ' Ada ',
      phone_number: '+442079460018',
      timezone: 'Europe/London',
    })
    expect(first.status).toBe(200)
    expect(first.body).toEqual(
      shownUser(user, {
        first_name: 'Ada',
        full_name: 'Ada',
        display_name: 'Ada',
        phone_number: '+442079460018',
        timezone: 'Europe/London',
      }),
    )
    const second = await change(user, { last_name: 'Lovelace', display_name: 'Countess' })
    expect(second.body).toMatchObject({
      id: user.id,
      username: user.username,
      first_name: 'Ada',
      last_name: 'Lovelace',
      full_name: 'Ada Lovelace',
      display_name: 'Countess',
      phone_number: '+442079460018',
      timezone: 'Europe/London',
    })
    expect(await read(user)).toEqual(second.body)
  })

  it('empties a field when asked to, and the display name falls back', async () => {
    const user = await givenUser(server)
    await change(user, { first_name: 'Ada', display_name: 'Countess', phone_number: '+442079460018' })
    const { body } = await change(user, { display_name: '', phone_number: '' })
    expect(body).toMatchObject({ first_name: 'Ada', display_name: 'Ada', phone_number: '' })
  })

  it('keeps what different requests change at once', async () => {
    const user = await givenUser(server)
    const changes = [
      { first_name: 'Ada' },
      { last_name: 'Lovelace' },
      { display_name: 'Countess' },
      { phone_number: '+442079460018' },
    ]
    await times(changes.length, (index) => change(user, changes[index] ?? {}))
    expect(await read(user)).toMatchObject(Object.assign({}, ...changes))
  })

  it('lets the new username log in from now on, and frees the old one', async () => {
    const user = await givenUser(server)
    const username = `Ｎ${randomUser().username}`
    expect((await change(user, { username })).body.username).toBe(username.normalize('NFKC'))
    expect((await logIn(server, username.toLowerCase(), user.password)).status).toBe(200)
    expect(refusalOf(await logIn(server, user.username, user.password))).toBe('401 credentials_invalid')
    expect((await givenUser(server, { username: user.username })).id).not.toBe(user.id)
  })

  it('lets a user rewrite the case of the username', async () => {
    const user = await givenUser(server)
    const { status, body } = await change(user, { username: user.username.toUpperCase() })
    expect([status, body.username]).toEqual([200, user.username.toUpperCase()])
  })

  it('refuses a username that another user has, in any case and width', async () => {
    const [user, owner] = [await givenUser(server), await givenUser(server)]
    for (const username of [owner.username, owner.username.toUpperCase(), owner.username.replace('p', 'ｐ')]) {
      expect(refusalOf(await change(user, { username }))).toBe('400 username_taken #/username username_taken')
    }
    expect((await read(user)).username).toBe(user.username)
  })

  it('gives a username to exactly one of 20 who take it at once', async () => {
    const users = await times(20, () => givenUser(server))
    const { username } = randomUser()
    const answers = await Promise.all(users.map((user) => change(user, { username })))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    for (const answer of answers.filter(({ status }) => status !== 200)) {
      expect(refusalOf(answer)).toBe('400 username_taken #/username username_taken')
    }
    expect(await server.database.db.user.count({ where: { username } })).toBe(1)
  })

  it('refuses a username that is the address of another user; the own one is allowed', async () => {
    const [user, owner] = [await givenUser(server), await givenUser(server)]
    for (const username of [owner.email, owner.email.toUpperCase(), randomUser().email]) {
      const answer = await change(user, { username })
      expect(refusalOf(answer)).toBe('400 username_is_address #/username username_is_address')
    }
    expect((await change(user, { username: user.email.toUpperCase() })).status).toBe(200)
    expect((await logIn(server, user.email, user.password)).body.user.id).toBe(user.id)
  })

  it('no longer counts a phone number as verified once it is another one', async () => {
    const user = await givenUser(server)
    await change(user, { phone_number: '+442079460018' })
    await server.database.db.user.update({ where: { id: user.id }, data: { phoneNumberVerified: true } })
    expect((await change(user, { phone_number: '+442079460018' })).body.phone_number_verified).toBe(true)
    expect((await change(user, { first_name: 'Ada' })).body.phone_number_verified).toBe(true)
    expect((await change(user, { phone_number: '+442079460019' })).body.phone_number_verified).toBe(false)
  })

  it.each([
    ['email', 'eve@example.com'],
    ['email_verified', true],
    ['phone_number_verified', true],
    ['account_status', 'active'],
    ['is_active', true],
    ['is_staff', true],
    ['is_superuser', true],
    ['is_practitioner', true],
    ['id', 1],
    ['uuid', '00000000-0000-4000-8000-000000000000'],
    ['full_name', 'Eve'],
    ['last_login', null],
    ['date_joined', '2020-01-01T00:00:00Z'],
    ['password', 'another good password'],
    ['isStaff', true],
    ['disabledAt', null],
  ])('does not let a user write %s', async (field, value) => {
    const user = await givenUser(server)
    const before = await read(user)
    const answer = await change(user, { [field]: value, first_name: 'Eve' })
    expect(refusalOf(answer)).toBe(`400 invalid_request #/${field} unknown_field`)
    expect(await read(user)).toEqual(before)
  })

  it.each([
    [{ username: 'ada lovelace' }, '#/username invalid_format'],
    [{ username: 'x'.repeat(151) }, '#/username too_big'],
    [{ last_name: 'x'.repeat(151) }, '#/last_name too_big'],
    [{ phone_number: 'call me' }, '#/phone_number invalid_format'],
    [{ timezone: 'Mars/Olympus' }, '#/timezone invalid_value'],
  ])('refuses %j', async (body, issue) => {
    const user = await givenUser(server)
    expect(refusalOf(await change(user, body))).toBe(`400 invalid_request ${issue}`)
  })

  it('records who changed which fields, when and from where', async () => {
    const user = await givenUser(server)
    const body = { first_name: 'Ada', timezone: 'Europe/London' }
    const events = await recordedBy(server, 'PATCH', '/profile', { token: user.access_token, body })
    const details = { fields: 'first_name timezone' }
    expect(events).toEqual([
      { type: 'profile_changed', userId: user.id, sessionId: expect.stringMatching(uuid), details },
    ])
  })

  it('records nothing when nothing was changed', async () => {
    const [user, owner] = [await givenUser(server), await givenUser(server)]
    const eventsBefore = (await eventsOf(server, user)).length
    await change(user, { username: owner.username })
    await change(user, { is_staff: true })
    const { username, first_name, phone_number, timezone } = await read(user)
    expect((await change(user, { username, first_name, phone_number, timezone })).body).toEqual(await read(user))
    expect(await eventsOf(server, user)).toHaveLength(eventsBefore)
  })

  it('demands a live session', async () => {
    const answer = await server.send('PATCH', '/profile', { body: { first_name: 'Eve' } })
    expect(refusalOf(answer)).toBe('401 unauthenticated')
  })
})
