import type { Exchanged } from './exchange.ts'
import { exchange } from './exchange.ts'
import type { Credentials } from './fixtures.ts'
import { givenLink, randomUser } from './fixtures.ts'
import type { TestServer } from './server.ts'

interface Call {
  readonly method: string
  readonly path: string
  readonly body?: object
  readonly token?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** A request as a client of a published contract sends it. */
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

/** A request below a prefix: `POST login/` with a body, and with an access token. */
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

/** A user whose address the contract at /api/auth has verified. */
export async function givenVerified(server: TestServer, credentials: Credentials = randomUser()): Promise<Credentials> {
  const { status, text } = await call(server, { method: 'POST', path: '/api/auth/register/', body: credentials })
  if (status !== 201) throw new Error(`registering failed: ${text}`)
  const { pathname, search } = new URL(await givenLink(server, credentials.email, /verify/i))
  const verified = await call(server, { method: 'GET', path: pathname + search })
  if (verified.status !== 200) throw new Error(`verifying failed: ${verified.text}`)
  return credentials
}

/** The claims of a token, without verification. */
export function claimsOf(token: string): { readonly iat: number; readonly exp: number } & Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
}
