import type { Django } from '../kernel/django.ts'
import type { Clock, Logger } from '../kernel/ports.ts'
import { connectDjangoBlacklist } from './database/django-blacklist.ts'
import type { DjangoJwtSettings } from './django-token-verifier.ts'
import { createDjangoTokenVerifier } from './django-token-verifier.ts'

interface ConnectedDjango extends Django {
  readonly close: () => Promise<void>
}

/** The Django of the settings. */
export function connectDjango(
  { databaseUrl, ...settings }: DjangoJwtSettings & { readonly databaseUrl: string | undefined },
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): ConnectedDjango {
  const blacklist = databaseUrl === undefined ? undefined : connectDjangoBlacklist({ url: databaseUrl, clock, logger })
  return {
    tokens: createDjangoTokenVerifier(settings, clock),
    blacklist,
    close: async () => blacklist?.close(),
  }
}
