import { randomBytes } from 'node:crypto'
import type { Response } from 'supertest'
import type { Mail } from '../../src/kernel/ports.ts'
import type { TestServer } from './server.ts'

const password = 'correct horse battery'

export interface Person {
  readonly username: string
  readonly email: string
  readonly password: string
}

export interface TokenPair {
  readonly access_token: string
  readonly refresh_token: string
  readonly token_type: string
  readonly expires_in: number
  readonly refresh_expires_in: number
}

export interface User extends Person, TokenPair {
  readonly id: number
  readonly uuid: string
}

/** Somebody nobody has met, so that tests share a database without meeting. */
export function randomUser(): Person {
  const name = `p${randomBytes(6).toString('hex')}`
  return { username: name, email: `${name}@example.com`, password }
}

/** A registered user with the session of the registration. */
export async function givenUser(server: TestServer, person: Partial<Person> = {}): Promise<User> {
  const who = { ...randomUser(), ...person }
  const { status, body } = await server.send('POST', '/register_credentials', { body: who })
  if (status !== 201) throw new Error(`registering failed: ${JSON.stringify(body)}`)
  return { ...who, ...body, id: body.user.id, uuid: body.user.uuid }
}

/** A registered user whose address counts as verified, so that every contract lets the session through. */
export async function givenVerifiedUser(server: TestServer, person: Partial<Person> = {}): Promise<User> {
  const user = await givenUser(server, person)
  await server.database.db.user.update({ where: { id: user.id }, data: { emailVerifiedAt: server.now() } })
  return user
}

/** Another session of the user. */
export async function givenSession(server: TestServer, { username, password }: Person): Promise<TokenPair> {
  const { status, body } = await server.send('POST', '/refresh_token', { body: { username, password } })
  if (status !== 200) throw new Error(`logging in failed: ${JSON.stringify(body)}`)
  return body
}

/** The link in the newest mail to the address whose subject matches. */
export async function givenLink(server: TestServer, email: string, subject: RegExp): Promise<string> {
  const mail = (await mailsTo(server, email)).findLast((mail) => subject.test(mail.subject))
  const link = /^https?:\/\/\S+$/m.exec(mail?.text ?? '')?.[0]
  if (link === undefined) throw new Error(`no mail with a link: ${mail?.text ?? 'none'}`)
  return link
}

/** The token in that link. */
export async function givenMailedToken(server: TestServer, email: string, subject: RegExp): Promise<string> {
  const link = await givenLink(server, email, subject)
  const token = /token=([\w-]{43})/.exec(link)?.[1]
  if (token === undefined) throw new Error(`no token in ${link}`)
  return token
}

export async function givenResetToken(server: TestServer, { email }: Person): Promise<string> {
  await server.send('POST', '/forgot_password', { body: { email } })
  return givenMailedToken(server, email, /reset/i)
}

export function givenVerificationToken(server: TestServer, { email }: Person): Promise<string> {
  return givenMailedToken(server, email, /verify/i)
}

/** A registration that waits for its address to be verified, where the server requires that. */
export async function givenRegistration(
  server: TestServer,
  person: Partial<Person> = {},
): Promise<Person & { readonly token: string }> {
  const who = { ...randomUser(), ...person }
  const { status, body } = await server.send('POST', '/register_credentials', { body: who })
  if (status !== 201) throw new Error(`registering failed: ${JSON.stringify(body)}`)
  return { ...who, token: await givenVerificationToken(server, who) }
}

export async function givenDisabled(server: TestServer, { id }: { readonly id: number }): Promise<void> {
  await server.database.db.user.update({ where: { id }, data: { disabledAt: server.now() } })
}

/** How many sessions of the user neither were ended nor are of an earlier epoch. */
export async function countSessions({ database }: TestServer, { email }: Pick<Person, 'email'>): Promise<number> {
  const { sessions, sessionEpoch } = await database.db.user.findUniqueOrThrow({
    where: { email },
    include: { sessions: { where: { revokedAt: null } } },
  })
  return sessions.filter(({ epoch }) => epoch === sessionEpoch).length
}

/** Opens a session with the password; the status tells whether it is the user's. */
export function logIn(server: TestServer, username: string, password: string): Promise<Response> {
  return server.send('POST', '/login_credentials', { body: { username, password } })
}

/** What the audit trail holds about the user, oldest first. */
export function eventsOf(server: TestServer, { id }: { readonly id: number }) {
  return server.database.db.event.findMany({ where: { userId: id }, orderBy: { id: 'asc' } })
}

/**
 * The events that one request caused, oldest first, by whom and with what details; fails unless each tells when that was
 * and from where.
 */
export async function recordedBy(server: TestServer, ...[method, path, options]: Parameters<TestServer['send']>) {
  const before = server.now().getTime()
  const { headers } = await server.send(method, path, { ...options, headers: { 'User-Agent': 'a browser of 1843' } })
  const after = server.now().getTime()
  const events = await server.database.db.event.findMany({
    where: { requestId: headers['x-request-id'] ?? '' },
    orderBy: { id: 'asc' },
  })
  for (const { at, ip, userAgent } of events) {
    expect([ip, userAgent]).toEqual(['127.0.0.1', 'a browser of 1843'])
    expect(at.getTime()).toBeGreaterThan(before)
    expect(at.getTime()).toBeLessThan(after)
  }
  return events.map(({ type, userId, sessionId, details }) => ({ type, userId, sessionId, details }))
}

/** The mails to the address, oldest first. */
export async function mailsTo(server: TestServer, email: string): Promise<readonly Mail[]> {
  return (await server.mails()).filter(({ recipient }) => recipient === email)
}
