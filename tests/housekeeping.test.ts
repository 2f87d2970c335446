import { givenRegistration, givenResetToken, givenUser } from './support/people.ts'
import type { TestServer } from './support/server.ts'
import { startServer } from './support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

async function rows() {
  const { db } = server.database
  return {
    users: await db.user.count(),
    sessions: await db.session.count(),
    tokens: await db.mailToken.count(),
    mails: await db.outboxMail.count(),
    allowances: await db.mailAllowance.count(),
    registrations: await db.registration.count(),
    events: await db.event.count(),
  }
}

describe('housekeeping', () => {
  it('deletes what was over for 30 days, and neither users nor the audit trail', async () => {
    const user = await givenUser(server)
    await givenResetToken(server, user)
    const demanding = await startServer({ ...server.settings, EMAIL_VERIFICATION: 'required' })
    await givenRegistration(demanding)
    await demanding.close()
    const { users, events } = await rows()

    server.pass('29d')
    await server.services.housekeeping.tidy()
    expect(await rows()).toEqual({ users, sessions: 1, tokens: 3, mails: 3, allowances: 0, registrations: 1, events })

    server.pass('40d')
    await server.services.housekeeping.tidy()
    expect(await rows()).toEqual({ users, sessions: 0, tokens: 0, mails: 0, allowances: 0, registrations: 0, events })
  })
})
