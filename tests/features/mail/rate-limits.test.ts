import { createMailRateLimits } from '../../../src/features/mail/index.ts'
import { scopeOf } from '../../../src/kernel/unit-of-work.ts'
import { refusalOf } from '../../support/answers.ts'
import { givenUser, givenVerificationToken, logIn, mailsTo, randomUser } from '../../support/fixtures.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer } from '../../support/server.ts'

let server: TestServer
/** On the same database, where verification is required. */
let strict: TestServer
beforeAll(async () => {
  server = await startServer({ TRUST_PROXY: '1' })
  strict = await startServer({ ...server.settings, EMAIL_VERIFICATION: 'required' })
})
afterAll(async () => {
  await strict.close()
  await server.close()
})

const sub = (email: string, tag: number | string) => email.replace('@', `+${tag}@`)
const named = (email: string) => ({ ...randomUser(), email })
const fromNetwork = (index: number) => ({ 'X-Forwarded-For': `2001:db8:${index.toString(16)}::1` })

/** How many mails of that subject have come to the mailbox in all, whichever server sent them. */
async function countMails(email: string, subject: RegExp): Promise<number> {
  const [local = '', domain = ''] = email.split('@')
  const isTheirs = ({ recipient }: { recipient: string }) => recipient.startsWith(local) && recipient.endsWith(domain)
  const mails = [...(await server.mails()), ...(await strict.mails())]
  return mails.filter((mail) => isTheirs(mail) && subject.test(mail.subject)).length
}

/** Twelve accounts at sub-addresses, from as many networks. */
async function givenSubAccounts(email: string): Promise<string[]> {
  const addresses = Array.from({ length: 12 }, (_, index) => sub(email, index))
  for (const [index, address] of addresses.entries()) {
    const headers = fromNetwork(index)
    const { status } = await server.send('POST', '/register_credentials', { body: named(address), headers })
    expect(status).toBe(201)
  }
  return addresses
}

describe('the sub-addresses of a mailbox', () => {
  it.each([
    ['optional', () => server],
    ['required', () => strict],
  ] as const)('get as many first mails together as one address, where verification is %s', async (_, where) => {
    const { email } = randomUser()
    for (let index = 0; index < 25; index += 1) {
      const answer = await where().send('POST', '/register_credentials', { body: named(sub(email, index)) })
      expect(answer.status).toBe(201)
    }
    expect(await countMails(email, /verify/i)).toBe(5)
    for (let index = 0; index < 20; index += 1) {
      const body = named(sub(email, `n${index}`))
      await where().send('POST', '/register_credentials', { body, headers: fromNetwork(index) })
    }
    expect(await countMails(email, /verify/i)).toBe(25)
  })

  it.each([
    ['/forgot_password', /reset/i],
    ['/resend_verification', /verify/i],
  ] as const)('get as many mails together as one address: %s', async (path, subject) => {
    const [one, many] = [randomUser(), randomUser()]
    await givenUser(server, one)
    const addresses = await givenSubAccounts(many.email)
    const before = [await countMails(one.email, subject), await countMails(many.email, subject)]
    for (const address of addresses) {
      for (const email of [one.email, address]) await server.send('POST', path, { body: { email } })
      // A mail whose link a newer one has replaced is not sent.
      await server.mails()
      server.pass('61s')
    }
    const after = [await countMails(one.email, subject), await countMails(many.email, subject)]
    const sent = after.map((count, index) => count - (before[index] ?? 0))
    expect(sent[0]).toBeGreaterThan(3)
    expect(sent[1]).toBe(sent[0])
  })

  it('get as many notices together as one unverified address', async () => {
    const { email } = randomUser()
    for (const address of await givenSubAccounts(email)) {
      const { password } = randomUser()
      const { body } = await logIn(server, address, password)
      const passwords = { current_password: password, new_password: 'another good password' }
      const changed = await server.send('POST', '/change_password', { body: passwords, token: body.access_token })
      expect(changed.status).toBe(200)
    }
    expect(await countMails(email, /changed/i)).toBe(5)
  })

  it('get five mails together that say that an account exists already', async () => {
    const { email } = randomUser()
    const addresses = await givenSubAccounts(email)
    for (const [index, address] of addresses.entries()) {
      const headers = fromNetwork(index)
      await strict.send('POST', '/register_credentials', { body: named(address), headers })
      server.pass('61s')
    }
    expect(await countMails(email, /already/i)).toBe(5)
  })

  it('are accounts of their own', async () => {
    const [credentials, other] = [randomUser(), randomUser()]
    await givenUser(server, credentials)
    await givenUser(server, { ...other, email: sub(credentials.email, 'shop'), password: 'the other password' })
    expect((await logIn(server, credentials.email, credentials.password)).body.user.username).toBe(credentials.username)
    expect((await logIn(server, sub(credentials.email, 'shop'), 'the other password')).body.user.username).toBe(
      other.username,
    )
    expect(refusalOf(await logIn(server, sub(credentials.email, 'shop'), credentials.password))).toBe(
      '401 credentials_invalid',
    )
  })
})

describe('the owner of an address', () => {
  it('gets a reset link, however many were asked for at sub-addresses without an account', async () => {
    const user = await givenUser(server)
    for (let index = 0; index < 20; index += 1) {
      await server.send('POST', '/forgot_password', { body: { email: sub(user.email, index) } })
    }
    await server.send('POST', '/forgot_password', { body: { email: user.email } })
    expect((await mailsTo(server, user.email)).at(-1)?.subject).toMatch(/reset/i)
  })

  it('gets one for a verified address, however many went to sub-addresses with accounts of others', async () => {
    const user = await givenUser(server)
    const token = await givenVerificationToken(server, user)
    expect((await server.send('POST', '/verify_email', { body: { token } })).status).toBe(200)
    for (const email of await givenSubAccounts(user.email)) {
      await server.send('POST', '/forgot_password', { body: { email } })
      server.pass('61s')
    }
    await server.send('POST', '/forgot_password', { body: { email: user.email } })
    expect((await mailsTo(server, user.email)).at(-1)?.subject).toMatch(/reset/i)
  })
})

describe('notices to a mailbox that is not verified', () => {
  it('are five, also when the latest of several that race is written first', async () => {
    const scope = scopeOf(server.database, server.database.db)
    const { email } = randomUser()
    const allowed = []
    for (const second of [5, 4, 3, 2, 1, 0]) {
      const clock = { now: () => new Date(Date.UTC(2030, 0, 1, 12, 0, second)) }
      allowed.push(await createMailRateLimits({ ...scope, clock }).spendNotice(email))
    }
    expect(allowed).toEqual([true, true, true, true, true, false])
  })
})
