import type { FeatureServices } from '../features/index.ts'
import type { LinkSettings } from '../features/mail/links.ts'
import { createLinks } from '../features/mail/links.ts'
import type { Contract } from '../http/contracts/contract.ts'
import type { ContractPolicy } from '../kernel/policy.ts'
import type { Config } from '../settings/config.ts'
import { contracts } from './index.ts'

/** The policy of a contract: its own rules, and the settings for the rest. */
export function contractPolicy({ name, policy }: Contract<FeatureServices>, config: Config): ContractPolicy {
  const { accessLifetime, refreshLifetime, sessionLifetime } = config.sessions
  return {
    contract: name,
    verificationRequired: requiresVerification({ policy }, config),
    linkCompletesRegistration: policy.linkCompletesRegistration ?? false,
    lifetimes: { accessLifetime, refreshLifetime, sessionLifetime, ...policy.lifetimes },
    links: createLinks(linkSettings(policy, config)),
  }
}

/** Links lead to the frontend; those of a contract with pages of its own lead there as long as the settings name no page for them. */
function linkSettings(
  { ownPages }: Contract<FeatureServices>['policy'],
  { links, server }: Pick<Config, 'links' | 'server'>,
): LinkSettings {
  const { frontendUrl, toOwnPages, verifyEmailPath, resetPasswordPath, restAuth } = links
  if (!ownPages) return { verifyEmail: frontendUrl + verifyEmailPath, resetPassword: frontendUrl + resetPasswordPath }
  return {
    verifyEmail:
      restAuth.verifyEmailPath === undefined
        ? server.publicUrl + ownPages.verifyEmailPath
        : frontendUrl + restAuth.verifyEmailPath,
    resetPassword: toOwnPages
      ? server.publicUrl + ownPages.resetPasswordPath
      : frontendUrl + restAuth.resetPasswordPath,
  }
}

function requiresVerification(
  { policy }: Pick<Contract<FeatureServices>, 'policy'>,
  { emailVerification }: Pick<Config, 'emailVerification'>,
): boolean {
  return policy.verificationRequired ?? emailVerification === 'required'
}

/**
 * A message for the operator when some of the served contracts require verified addresses, and so hide which addresses
 * have an account, while others reveal it.
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
