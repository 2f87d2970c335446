import { refusalOf, shownUser, times, uuid } from '../../support/answers.ts'
import type { User } from '../../support/fixtures.ts'
import { givenUser, randomUser, recordedBy } from '../../support/fixtures.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const replace = ({ access_token: token }: User, body: object) => server.send('PUT', '/profile', { token, body })
const read = async ({ access_token: token }: User) => (await server.send('GET', '/profile', { token })).body
const profile = {
  first_name: 'Ada',
  last_name: 'Lovelace',
  display_name: 'Countess',
  phone_number: '+442079460018',
  timezone: 'Europe/London',
}

describe('PUT /profile', () => {
  it('replaces every field', async () => {
    const user = await givenUser(server)
    const { username } = randomUser()
    const { status, body } = await replace(user, { username, ...profile })
    expect(status).toBe(200)
    expect(body).toEqual(shownUser({ ...user, username }, { ...profile, full_name: 'Ada Lovelace' }))
    expect(await read(user)).toEqual(body)
  })

  it('empties absent fields and keeps an absent username', async () => {
    const user = await givenUser(server)
    await replace(user, profile)
    const { body } = await replace(user, { last_name: 'King' })
    expect(body).toMatchObject({
      username: user.username,
      first_name: '',
      last_name: 'King',
      full_name: 'King',
      display_name: 'King',
      phone_number: '',
      timezone: 'UTC',
    })
    expect((await replace(user, {})).body).toMatchObject({ username: user.username, display_name: user.username })
  })

  it('no longer counts a phone number as verified once it is gone', async () => {
    const user = await givenUser(server)
    await replace(user, profile)
    await server.database.db.user.update({ where: { id: user.id }, data: { phoneNumberVerified: true } })
    expect((await replace(user, profile)).body.phone_number_verified).toBe(true)
    expect((await replace(user, {})).body.phone_number_verified).toBe(false)
  })

  it('leaves roles, status and address as they are', async () => {
    const user = await givenUser(server)
    await server.database.db.user.update({ where: { id: user.id }, data: { isStaff: true, isPractitioner: true } })
    const { body } = await replace(user, profile)
    expect(body).toMatchObject({ is_staff: true, is_practitioner: true, email: user.email, account_status: 'active' })
  })

  it('gives a username to exactly one of 20 who take it at once', async () => {
    const users = await times(20, () => givenUser(server))
    const { username } = randomUser()
    const answers = await Promise.all(users.map((user) => replace(user, { username, ...profile })))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    for (const answer of answers.filter(({ status }) => status !== 200)) {
      expect(refusalOf(answer)).toBe('400 username_taken #/username username_taken')
    }
    expect(await server.database.db.user.count({ where: { firstName: 'Ada', username } })).toBe(1)
  })

  it('changes nothing at all when the username is refused', async () => {
    const [user, owner] = [await givenUser(server), await givenUser(server)]
    await replace(user, profile)
    const before = await read(user)
    const taken = await replace(user, { username: owner.username.toUpperCase() })
    expect(refusalOf(taken)).toBe('400 username_taken #/username username_taken')
    const foreign = await replace(user, { username: owner.email })
    expect(refusalOf(foreign)).toBe('400 username_is_address #/username username_is_address')
    expect(await read(user)).toEqual(before)
  })

  it.each([
    ['email', 'eve@example.com'],
    ['account_status', 'active'],
    ['is_active', true],
    ['is_staff', true],
    ['is_superuser', true],
    ['is_practitioner', true],
    ['email_verified', true],
    ['phone_number_verified', true],
  ])('does not let a user write %s', async (field, value) => {
    const user = await givenUser(server)
    const before = await read(user)
    const answer = await replace(user, { ...profile, [field]: value })
    expect(refusalOf(answer)).toBe(`400 invalid_request #/${field} unknown_field`)
    expect(await read(user)).toEqual(before)
  })

  it.each([
    [{ timezone: 'Mars/Olympus' }, '#/timezone invalid_value'],
    [{ phone_number: 'call me' }, '#/phone_number invalid_format'],
  ])('refuses %j', async (body, issue) => {
    const user = await givenUser(server)
    expect(refusalOf(await replace(user, body))).toBe(`400 invalid_request ${issue}`)
  })

  it('records who changed which fields, when and from where', async () => {
    const user = await givenUser(server)
    const events = await recordedBy(server, 'PUT', '/profile', { token: user.access_token, body: profile })
    const details = { fields: Object.keys(profile).join(' ') }
    expect(events).toEqual([
      { type: 'profile_changed', userId: user.id, sessionId: expect.stringMatching(uuid), details },
    ])
  })

  it('needs a live session', async () => {
    expect(refusalOf(await server.send('PUT', '/profile', { body: profile }))).toBe('401 unauthenticated')
  })
})
