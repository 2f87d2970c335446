import type { Config } from './config.ts'
import type { FeatureServices } from './features/index.ts'
import { createLinks } from './features/mail/index.ts'
import type { Contract } from './http/contract.ts'
import type { Terms } from './kernel/terms.ts'

/** The terms of a contract: what it lays down itself, and the settings for the rest. */
export function contractTerms({ name, terms }: Contract<FeatureServices>, config: Config): Terms {
  const { frontendUrl, verifyEmailPath, resetPasswordPath } = config.links
  const { accessLifetime, refreshLifetime, sessionLifetime } = config.sessions
  return {
    contract: name,
    verificationRequired: terms.verificationRequired ?? config.emailVerification === 'required',
    lifetimes: { accessLifetime, refreshLifetime, sessionLifetime, ...terms.lifetimes },
    links: createLinks(
      terms.links
        ? { baseUrl: config.server.publicUrl, ...terms.links }
        : { baseUrl: frontendUrl, verifyEmailPath, resetPasswordPath },
    ),
  }
}
