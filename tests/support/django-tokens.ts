import { createHmac, createSign, randomBytes } from 'node:crypto'
import { runSql } from './catalog.ts'
import type { User } from './fixtures.ts'
import { givenVerifiedUser } from './fixtures.ts'
import { encode } from './forgery.ts'
import type { TestServer } from './server.ts'

/** As short, and as telling, as keys of Django can be. */
export const djangoKey = 'django-insecure-abc'

interface ImportedUser extends User {
  /** The primary key at Django, which is no id of a user here. */
  readonly djangoId: string
}

/** A verified user who was imported from Django. */
export async function givenImportedUser(server: TestServer, djangoId?: string): Promise<ImportedUser> {
  const user = await givenVerifiedUser(server)
  const id = djangoId ?? String(900_000_000 + user.id)
  await runSql(
    server.settings.DATABASE_URL ?? '',
    `INSERT INTO django_users (django_id, user_id, hash_digest, password_version, profile, taken_at)
     VALUES ('${id}', ${user.id}, '', 1, '{}', now())`,
  )
  return { ...user, djangoId: id }
}

interface Minting {
  readonly kind?: string
  readonly key?: string
  readonly hash?: string
  readonly header?: object
  readonly claims?: Readonly<Record<string, unknown>>
  /** Seconds that it lives from now on. */
  readonly lifetime?: number
}

/** A token as SimpleJWT makes it, for the user with this primary key: issued ten seconds ago. */
export function djangoToken(
  server: TestServer,
  userId: string | number,
  { kind = 'refresh', key = djangoKey, hash = 'sha256', header, claims, lifetime = 86_400 }: Minting = {},
): string {
  const iat = Math.floor(server.now().getTime() / 1000) - 10
  const jti = randomBytes(16).toString('hex')
  const payload = { token_type: kind, exp: iat + 10 + lifetime, iat, jti, user_id: userId, ...claims }
  const content = `${encode({ alg: 'HS256', typ: 'JWT', ...header })}.${encode(payload)}`
  const signature = key.includes('PRIVATE KEY')
    ? createSign('RSA-SHA256').update(content).sign(key)
    : createHmac(hash, key).update(content).digest()
  return `${content}.${signature.toString('base64url')}`
}
