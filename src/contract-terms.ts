import type { Config } from './config.ts'
import { contracts } from './contracts/index.ts'
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
    verificationRequired: requiresVerification({ terms }, config),
    linkCompletesRegistration: terms.linkCompletesRegistration ?? false,
    lifetimes: { accessLifetime, refreshLifetime, sessionLifetime, ...terms.lifetimes },
    links: createLinks(
      terms.links
        ? { baseUrl: config.server.publicUrl, ...terms.links }
        : { baseUrl: frontendUrl, verifyEmailPath, resetPasswordPath },
    ),
  }
}

function requiresVerification(
  { terms }: Pick<Contract<FeatureServices>, 'terms'>,
  { emailVerification }: Pick<Config, 'emailVerification'>,
): boolean {
  return terms.verificationRequired ?? emailVerification === 'required'
}

/**
 * What to tell the operator when some served contracts require verified addresses, and so hide which addresses have an account, and
 * others tell: what the first hide is told by the second.
 */
export function describeDisagreement(config: Pick<Config, 'contracts' | 'emailVerification'>): string | undefined {
  const served = contracts.filter(({ name }) => config.contracts.served.includes(name))
  const namesOf = (hides: boolean) =>
    served.filter((contract) => requiresVerification(contract, config) === hides).map(({ name }) => name)
  const [hiding, telling] = [namesOf(true), namesOf(false)]
  if (hiding.length === 0 || telling.length === 0) return undefined
  return (
    `registering through ${telling.join(', ')} tells which addresses have an account, and ${hiding.join(', ')} hides it; ` +
    `set EMAIL_VERIFICATION=required, or CONTRACTS=${telling.join(',')} or CONTRACTS=${hiding.join(',')}`
  )
}
