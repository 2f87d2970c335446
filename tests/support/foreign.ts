import type { Exchanged } from './exchange.ts'
import { exchange } from './exchange.ts'
import type { Person } from './fixtures.ts'
import { givenLink, randomUser } from './fixtures.ts'
import type { TestServer } from './server.ts'

interface Call {
  readonly method: string
  readonly path: string
  readonly body?: object
  readonly token?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** A request as a program of a published service sends it. */
export function call(
  { url }: Pick<TestServer, 'url'>,
  { method, path, body, token, headers }: Call,
): Promise<Exchanged> {
  return exchange(url, path, {
    method,
    headers: {
      Accept: 'application/json, text/plain, */*',
      ...(body && { 'Content-Type': 'application/json' }),
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
      ...headers,
    },
    ...(body && { body: JSON.stringify(body) }),
  })
}

/** Below a prefix: `POST login/` with a body, and with the access token of somebody. */
export function client(server: () => Pick<TestServer, 'url'>, prefix: string) {
  return (route: string, body?: object, token?: string): Promise<Exchanged> => {
    const [method = '', path = ''] = route.split(' ')
    return call(server(), {
      method,
      path: `${prefix}/${path}`,
      ...(body && { body }),
      ...(token !== undefined && { token }),
    })
  }
}

/** Somebody whose address the contract at /api/auth has verified. */
export async function givenVerified(server: TestServer, person: Person = randomUser()): Promise<Person> {
  const { status, text } = await call(server, { method: 'POST', path: '/api/auth/register/', body: person })
  if (status !== 201) throw new Error(`registering failed: ${text}`)
  const { pathname, search } = new URL(await givenLink(server, person.email, /verify/i))
  const verified = await call(server, { method: 'GET', path: pathname + search })
  if (verified.status !== 200) throw new Error(`verifying failed: ${verified.text}`)
  return person
}

/** The claims of a token, unproven. */
export function claimsOf(token: string): { readonly iat: number; readonly exp: number } & Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
}
