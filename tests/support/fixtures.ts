import { randomBytes } from 'node:crypto'
import type { Response } from 'supertest'
import type { Mail } from '../../src/kernel/ports.ts'
import type { TestServer } from './server.ts'

const password = 'correct horse battery'

export interface Credentials {
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

export interface User extends Credentials, TokenPair {
  readonly id: number
  readonly uuid: string
}

/** The credentials of a new user, random so that tests can share a database. */
export function randomUser(): Credentials {
  const name = `p${randomBytes(6).toString('hex')}`
  return { username: name, email: `${name}@example.com`, password }
}

/** One with no digit in the names, to which a password of digits would by chance be similar. */
export function randomUserWithoutDigits(): Credentials {
  const name = randomUser().username.replace(/\d/g, (digit) => 'qrstuvwxyz'.charAt(Number(digit)))
  return { username: name, email: `${name}@example.com`, password }
}

/** A registered user with the session of the registration. */
export async function givenUser(server: TestServer, credentials: Partial<Credentials> = {}): Promise<User> {
  const who = { ...randomUser(), ...credentials }
  const { status, body } = await server.send('POST', '/register_credentials', { body: who })
  if (status !== 201) throw new Error(`registering failed: ${JSON.stringify(body)}`)
  return { ...who, ...body, id: body.user.id, uuid: body.user.uuid }
}

/** A registered user whose address counts as verified, so that every contract lets the session through. */
export async function givenVerifiedUser(server: TestServer, credentials: Partial<Credentials> = {}): Promise<User> {
  const user = await givenUser(server, credentials)
  await server.database.db.user.update({ where: { id: user.id }, data: { emailVerifiedAt: server.now() } })
  return user
}

/** Another session of the user. */
export async function givenSession(server: TestServer, { username, password }: Credentials): Promise<TokenPair> {
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

export async function givenResetToken(server: TestServer, { email }: Credentials): Promise<string> {
  await server.send('POST', '/forgot_password', { body: { email } })
  return givenMailedToken(server, email, /reset/i)
}

export function givenVerificationToken(server: TestServer, { email }: Credentials): Promise<string> {
  return givenMailedToken(server, email, /verify/i)
}

/** A pending registration, where the server requires verified addresses. */
export async function givenRegistration(
  server: TestServer,
  credentials: Partial<Credentials> = {},
): Promise<Credentials & { readonly token: string }> {
  const who = { ...randomUser(), ...credentials }
  const { status, body } = await server.send('POST', '/register_credentials', { body: who })
  if (status !== 201) throw new Error(`registering failed: ${JSON.stringify(body)}`)
  return { ...who, token: await givenVerificationToken(server, who) }
}

export async function givenDisabled(server: TestServer, { id }: { readonly id: number }): Promise<void> {
  await server.database.db.user.update({ where: { id }, data: { disabledAt: server.now() } })
}

/** The number of sessions of the user that are neither ended nor of an earlier epoch. */
export async function countSessions({ database }: TestServer, { email }: Pick<Credentials, 'email'>): Promise<number> {
  const { id: userId, sessionEpoch: epoch } = await database.db.user.findUniqueOrThrow({ where: { email } })
  return database.db.session.count({ where: { userId, epoch, revokedAt: null } })
}

/** Opens a session; the status tells whether the password is right. */
export function logIn(server: TestServer, username: string, password: string): Promise<Response> {
  return server.send('POST', '/login_credentials', { body: { username, password } })
}

/** The audit events of the user, oldest first. */
export function eventsOf(server: TestServer, { id }: { readonly id: number }) {
  return server.database.db.event.findMany({ where: { userId: id }, orderBy: { id: 'asc' } })
}

/**
 * The events that one request caused, oldest first, with their user, session and details. Fails unless each has its
 * time and address.
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
