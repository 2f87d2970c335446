import type { Django } from '../kernel/django.ts'
import type { Clock, Logger } from '../kernel/ports.ts'
import { openDjangoPool } from './database/django-access.ts'
import { createDjangoBlacklist } from './database/django-blacklist.ts'
import { createDjangoPasswords } from './database/django-passwords.ts'
import type { DjangoJwtSettings } from './django-token-verifier.ts'
import { createDjangoTokenVerifier } from './django-token-verifier.ts'

interface DjangoSettings extends DjangoJwtSettings {
  readonly databaseUrl: string | undefined
  readonly userTable: string | undefined
  readonly writePasswords: boolean
}

interface ConnectedDjango extends Django {
  readonly close: () => Promise<void>
}

/** The Django of the settings. */
export function connectDjango(
  { databaseUrl: url, userTable: table, writePasswords, ...settings }: DjangoSettings,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): ConnectedDjango {
  const tokens = createDjangoTokenVerifier(settings, clock)
  if (url === undefined) return { tokens, blacklist: undefined, passwords: undefined, close: async () => undefined }
  const pool = openDjangoPool(url)
  return {
    tokens,
    blacklist: createDjangoBlacklist({ pool, url, clock, logger }),
    passwords: writePasswords ? createDjangoPasswords({ pool, url, table, logger }) : undefined,
    close: () => pool.end(),
  }
}
