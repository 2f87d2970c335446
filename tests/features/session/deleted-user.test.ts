import { collide } from '../../support/collision.ts'
import { withClient } from '../../support/database.ts'
import { givenSession, givenUser, logIn } from '../../support/fixtures.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const countOf = (userId: number) => server.database.db.session.count({ where: { userId } })

describe('the sessions of a deleted user', () => {
  it('are deleted with the user, whatever the search path of the client that deletes it, and no others', async () => {
    const [user, other] = [await givenUser(server), await givenUser(server)]
    await givenSession(server, user)
    expect(await countOf(user.id)).toBe(2)
    await withClient(server.settings.DATABASE_URL ?? '', async (client) => {
      await client.query(`SET search_path TO pg_temp`)
      await client.query('DELETE FROM public.users WHERE id = $1', [user.id])
    })
    expect([await countOf(user.id), await countOf(other.id)]).toEqual([0, 1])
  })

  it('are deleted as well when a login is in progress, whichever comes first', async () => {
    for (const isFirst of [true, false]) {
      const user = await givenUser(server)
      const login = async () => (await logIn(server, user.username, user.password)).status
      const deletion = () => server.database.db.$executeRaw`DELETE FROM users WHERE id = ${user.id}`
      await collide(server, user.id, isFirst ? [login, deletion] : [deletion, login], 'users')
      expect(await server.database.db.user.count({ where: { id: user.id } })).toBe(0)
      expect(await countOf(user.id)).toBe(0)
    }
  })
})
