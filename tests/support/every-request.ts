import type { Target } from './endpoints.ts'
import { sampleBody } from './endpoints.ts'
import type { Exchanged } from './exchange.ts'
import { exchange } from './exchange.ts'
import type { Credentials, User } from './fixtures.ts'
import { givenResetToken, givenSession, givenUser, givenVerificationToken, randomUser } from './fixtures.ts'
import type { TestServer } from './server.ts'

/** A request that is valid and does the work of its endpoint, not sent yet. */
export interface ReadyRequest {
  /** The user that it is about, as far as the user exists. */
  readonly user: User
  readonly fields: Readonly<Record<string, unknown>>
  send(): Promise<Exchanged>
}

/** The values that are not the same for all endpoints that have a field of this name. */
const ownFields: Readonly<Record<string, (server: TestServer, user: User) => Promise<object> | object>> = {
  register: (): Credentials => randomUser(),
  verifyEmail: async (server, user) => ({ token: await givenVerificationToken(server, user) }),
  resetPassword: async (server, user) => ({ token: await givenResetToken(server, user) }),
  changeProfile: () => ({ username: randomUser().username }),
  replaceProfile: () => ({ username: randomUser().username }),
}

/** For a new user: the request to the endpoint with everything in it that a client would send. */
export async function readyRequest(server: TestServer, target: Target): Promise<ReadyRequest> {
  const user = await givenUser(server)
  const other = await givenSession(server, user)
  const known: Record<string, unknown> = {
    username: user.username,
    email: user.email,
    password: user.password,
    current_password: user.password,
    new_password: 'another horse battery',
    refresh_token: user.refresh_token,
    token: user.access_token,
    ...(await ownFields[target.name]?.(server, user)),
  }
  const { password: _secret, ...sample } = sampleBody(target)
  const names = [...Object.keys(sample), ...(target.fields.some(({ name }) => name === 'password') ? ['password'] : [])]
  const optionalOnly = new Set(target.fields.filter(({ optional }) => optional).map(({ name }) => name))
  const fields = Object.fromEntries(
    names
      .filter((name) => !(optionalOnly.has(name) && name.includes('password')))
      .map((name) => [name, known[name] ?? sample[name]]),
  )
  const sessionId = sessionOf(other.access_token)
  const path = target.pattern.replaceAll(/\{\w+\}/g, sessionId)
  const { method } = target
  const headers = { Authorization: `Bearer ${user.access_token}`, 'Content-Type': 'application/json' }
  return {
    user,
    fields,
    send: () =>
      exchange(server.url, path, { method, headers, ...(target.hasBody && { body: JSON.stringify(fields) }) }),
  }
}

function sessionOf(accessToken: string): string {
  return JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString()).sid
}
