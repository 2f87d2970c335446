import { refusalOf, shownUser } from '../../support/answers.ts'
import { givenDisabled, givenUser, givenVerificationToken } from '../../support/fixtures.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const read = (token: string) => server.send('GET', '/profile', { token })

describe('GET /profile', () => {
  it('answers with the account of the caller, and nothing else', async () => {
    const user = await givenUser(server)
    await givenUser(server)
    const { status, body } = await read(user.access_token)
    expect(status).toBe(200)
    expect(body).toEqual(shownUser(user))
  })

  it.each([
    [{}, { full_name: '', display_name: '' }],
    [{ firstName: 'Ada' }, { full_name: 'Ada', display_name: 'Ada' }],
    [{ lastName: 'Lovelace' }, { full_name: 'Lovelace', display_name: 'Lovelace' }],
    [
      { firstName: 'Ada', lastName: 'Lovelace' },
      { full_name: 'Ada Lovelace', display_name: 'Ada Lovelace' },
    ],
    [
      { firstName: 'Ada', displayName: 'Countess' },
      { full_name: 'Ada', display_name: 'Countess' },
    ],
  ])('derives the names of %j', async (names, { full_name, display_name }) => {
    const user = await givenUser(server)
    await server.database.db.user.update({ where: { id: user.id }, data: names })
    const { body } = await read(user.access_token)
    expect(body).toMatchObject({ full_name, display_name: display_name || user.username })
  })

  it('shows changed roles and a verified address at the next request, with the same token', async () => {
    const user = await givenUser(server)
    await server.database.db.user.update({
      where: { id: user.id },
      data: { isStaff: true, isSuperuser: true, isPractitioner: true, phoneNumberVerified: true },
    })
    await server.send('POST', '/verify_email', { body: { token: await givenVerificationToken(server, user) } })
    expect((await read(user.access_token)).body).toMatchObject({
      is_staff: true,
      is_superuser: true,
      is_practitioner: true,
      phone_number_verified: true,
      email_verified: true,
    })
  })

  it('is closed to a disabled user and to a deleted one at the next request', async () => {
    const [disabled, deleted] = [await givenUser(server), await givenUser(server)]
    await givenDisabled(server, disabled)
    await server.database.db.user.delete({ where: { id: deleted.id } })
    for (const { access_token } of [disabled, deleted]) {
      expect(refusalOf(await read(access_token))).toBe('401 session_revoked')
    }
  })

  it('is for bearers of an access token in the header only', async () => {
    const user = await givenUser(server)
    for (const answer of [
      await server.send('GET', '/profile'),
      await server.send('GET', `/profile?access_token=${user.access_token}`),
      await server.send('GET', '/profile', { headers: { Cookie: `access_token=${user.access_token}` } }),
      await server.send('GET', '/profile', { headers: { Authorization: `Basic ${user.access_token}` } }),
    ]) {
      expect(refusalOf(answer)).toBe('401 unauthenticated')
    }
    expect(refusalOf(await read(user.refresh_token))).toBe('401 token_invalid')
  })
})
