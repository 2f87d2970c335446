import { isLoopback, leadsElsewhere } from '../kernel/loopback.ts'
import type { ContractName } from '../kernel/policy.ts'
import { fileSettingOf } from './secret-files.ts'
import type { Environment, GivenSettings, SettingName } from './settings.ts'

const neededInProduction = {
  DATABASE_URL: 'the PostgreSQL server to use',
  SECRET_KEY: 'the key that all other keys are derived from; make one with: openssl rand -base64 48',
  FRONTEND_URL: 'where the links in mails lead',
  PUBLIC_URL: 'how the outside reaches this server',
  EMAIL_HOST: 'the mail server',
  DEFAULT_FROM_EMAIL: 'the sender of mails',
} satisfies Partial<Record<SettingName, string>>

/** The settings that hold keys. */
const keySettings = ['SECRET_KEY', 'ACCESS_TOKEN_KEY', 'PASSWORD_PEPPER'] as const

/** One that a file should have brought, and has not, has a problem of its own. */
function isAbsent(environment: Environment, name: string): boolean {
  return [name, fileSettingOf(name)].every((given) => given === undefined || !environment[given]?.trim())
}

/** What production insists on. */
export function productionProblems(environment: Environment, given: GivenSettings): string[] {
  const problems = Object.entries(neededInProduction)
    .filter(([name]) => isAbsent(environment, name))
    .map(([name, purpose]) => `${name} must be set in production: ${purpose}`)
  // Mailed tokens travel to both, and everything else to the second.
  for (const name of ['FRONTEND_URL', 'PUBLIC_URL'] as const) {
    if (given[name]?.startsWith('http:')) problems.push(`${name} must be an https address in production`)
  }
  if (given.RATE_LIMITS === false) problems.push('RATE_LIMITS must not be off in production; remove it')
  for (const name of ['RATE_LIMIT_PASSWORDS', 'RATE_LIMIT_CHANGES', 'RATE_LIMIT_READS'] as const) {
    if (given[name] === 0) problems.push(`${name} must be 1 or more in production; remove it to have the usual limit`)
  }
  if (given.CORS_ORIGINS?.some((origin) => origin.startsWith('http:') && !isLoopback(new URL(origin).hostname))) {
    problems.push(
      'CORS_ORIGINS must hold https origins in production: whoever is on the way changes what http pages do',
    )
  }
  if (given.BCRYPT_COST !== undefined && given.BCRYPT_COST < 10) {
    problems.push('BCRYPT_COST must be 10 or more in production; remove it to have 12')
  }
  const logsInElsewhere = given.EMAIL_HOST_PASSWORD !== undefined && !isLoopback(given.EMAIL_HOST ?? 'localhost')
  const isEncrypted = given.EMAIL_USE_SSL ?? given.EMAIL_PORT === 465
  if (given.EMAIL_USE_TLS === false && !isEncrypted && logsInElsewhere) {
    problems.push('EMAIL_USE_TLS must not be off in production when EMAIL_HOST_PASSWORD is sent to another machine')
  }
  for (const name of keySettings) {
    if (given[name]?.some(isSample)) {
      problems.push(`${name} must not be a sample or a pattern; make one with: openssl rand -base64 48`)
    }
  }
  return problems
}

/** What keys in examples say of themselves, without what stands between the letters. Chance writes none of them. */
const sampleWords = [
  'changeme',
  'changethis',
  'donotuse',
  'example',
  'insecure',
  'password',
  'placeholder',
  'secret',
  'thisis',
]

/** Whether the key stands in examples, or repeats itself as only a hand does. */
function isSample(key: string): boolean {
  const letters = key.toLowerCase().replace(/[^a-z]/g, '')
  return sampleWords.some((word) => letters.includes(word)) || isPattern(key)
}

/** Whether at most half of the steps from character to character are new, as in abcdef, 0123 0123 and one word twice. */
function isPattern(key: string): boolean {
  const steps = Array.from(key, (_, index) => key.charCodeAt(index + 1) - key.charCodeAt(index))
  const pairs = steps.slice(0, -2).map((step, index) => `${step} ${steps[index + 1]}`)
  return new Set(pairs).size <= key.length / 2
}

/** A key in two settings is known to whoever may know one of them: the key for access tokens is shared with other services. */
function sharedKeys(given: GivenSettings): string[] {
  return keySettings.flatMap((name, index) =>
    keySettings
      .slice(index + 1)
      .filter((other) => given[other]?.some((key) => given[name]?.includes(key)))
      .map((other) => `${other} must not hold a key of ${name}; make another with: openssl rand -base64 48`),
  )
}

/** The parts of the configuration that have to agree. */
interface Judged {
  readonly production: boolean
  readonly sessions: {
    readonly accessLifetime: number
    readonly refreshLifetime: number
    readonly sessionLifetime: number
  }
  readonly emailVerification: 'optional' | 'required'
  readonly contracts: { readonly served: readonly ContractName[] }
}

/** Why a server at a Unix socket does not start. */
export const proxiesUncounted =
  'TRUST_PROXY must be the number of proxies, 1 or more, when PORT is a socket: what speaks over it has no address, and without the one that it forwards all clients would share one budget'

/** Whether the setting says how many proxies there are, which is all that can be known of them over a Unix socket. */
export function countsProxies(trustProxy: number | readonly string[] | undefined): boolean {
  return typeof trustProxy === 'number' && trustProxy > 0
}

/** Where mailed verification tokens can be spent. */
const verifyingContracts: readonly ContractName[] = ['v1', 'rest-auth']

/** What follows FRONTEND_URL in the links of mails. */
const linkPaths = [
  'VERIFY_EMAIL_PATH',
  'RESET_PASSWORD_PATH',
  'REST_AUTH_VERIFY_EMAIL_PATH',
  'REST_AUTH_RESET_PASSWORD_PATH',
] as const

/** The links where no other is given. */
export const usualPaths = {
  VERIFY_EMAIL_PATH: '/verify-email#token={token}',
  RESET_PASSWORD_PATH: '/reset-password#token={token}',
  REST_AUTH_RESET_PASSWORD_PATH: '/reset-password#uid={uid}&token={token}',
}

/**
 * Outside production and without a mail server every mail can be read at /mailbox, reset tokens included. Settings for a
 * server that others reach then mean that NODE_ENV was forgotten.
 */
export function exposureProblems(environment: Environment, given: GivenSettings): string[] {
  const knowsItsPlace = given.NODE_ENV !== undefined || isAbsent(environment, 'NODE_ENV')
  if (given.NODE_ENV === 'production' || !knowsItsPlace || !isAbsent(environment, 'EMAIL_HOST')) return []
  const exposed = (['PUBLIC_URL', 'FRONTEND_URL'] as const).filter((name) => leadsElsewhere(given[name] ?? ''))
  const isOpen = given.HOST !== undefined && !isLoopback(given.HOST)
  return [...(isOpen ? ['HOST'] : []), ...exposed].map(
    (name) =>
      `${name} must name this machine, such as localhost, as the development mailbox would show every mail: set NODE_ENV=production and what it needs, or EMAIL_HOST and DEFAULT_FROM_EMAIL to send mails`,
  )
}

/** What does not fit together. A setting that could not be read has its own problem and contradicts nothing. */
export function contradictions(
  { production, sessions, emailVerification, contracts }: Judged,
  environment: Environment,
  given: GivenSettings,
): string[] {
  const problems = sharedKeys(given)
  const isUnread = (name: SettingName) => given[name] === undefined && !isAbsent(environment, name)
  const mustLastAsLong = (name: SettingName, seconds: number, other: SettingName, otherSeconds: number) => {
    if (seconds < otherSeconds && !isUnread(name) && !isUnread(other)) {
      problems.push(`${name} must not be shorter than ${other}`)
    }
  }
  const { accessLifetime, refreshLifetime, sessionLifetime } = sessions
  mustLastAsLong('REFRESH_TOKEN_LIFETIME', refreshLifetime, 'ACCESS_TOKEN_LIFETIME', accessLifetime)
  mustLastAsLong('SESSION_LIFETIME', sessionLifetime, 'REFRESH_TOKEN_LIFETIME', refreshLifetime)
  const mustBeSet = (name: SettingName, circumstance: string, purpose: string) => {
    // What production demands in any case it has named already.
    const isNamed = production && name in neededInProduction
    if (isAbsent(environment, name) && !isNamed) problems.push(`${name} must be set when ${circumstance}: ${purpose}`)
  }
  if (given.EMAIL_HOST !== undefined) mustBeSet('DEFAULT_FROM_EMAIL', 'EMAIL_HOST is', 'the sender of mails')
  if (typeof given.PORT === 'string') {
    mustBeSet('PUBLIC_URL', 'PORT is a socket', 'how the outside reaches it')
    // What systemd hands over may be of a port: that is judged once it is there.
    const isJudged = given.PORT === 'systemd' || isUnread('TRUST_PROXY') || countsProxies(given.TRUST_PROXY)
    if (!isJudged) problems.push(proxiesUncounted)
  }
  if (given.COOKIE_SAMESITE === 'none' && !(given.PUBLIC_URL ?? '').startsWith('https:') && !isUnread('PUBLIC_URL')) {
    problems.push('COOKIE_SAMESITE must not be none unless PUBLIC_URL is an https address: browsers drop such cookies')
  }
  if (given.COOKIE_PARTITIONED && given.COOKIE_SAMESITE !== 'none' && !isUnread('COOKIE_SAMESITE')) {
    problems.push('COOKIE_PARTITIONED must not be on unless COOKIE_SAMESITE is none: other cookies reach no other site')
  }
  if (given.PORT === 0) mustBeSet('PUBLIC_URL', 'PORT is 0', 'how the outside reaches the port that the system chooses')
  if (!contracts.served.includes('v1')) {
    mustBeSet(
      'FRONTEND_URL',
      'CONTRACTS leaves out v1',
      "the site that the links in mails lead to, as this server's own pages ask v1",
    )
  }
  const usual: Partial<Record<SettingName, string>> = usualPaths
  for (const name of linkPaths) {
    const isAnother = given[name] !== undefined && given[name] !== usual[name]
    if (isAnother) mustBeSet('FRONTEND_URL', `${name} is`, 'the site that has this page')
  }
  if ((given.EMAIL_HOST_USER === undefined) !== (given.EMAIL_HOST_PASSWORD === undefined)) {
    problems.push('EMAIL_HOST_USER and EMAIL_HOST_PASSWORD must be set together')
  }
  // It is what `pg` would read; to pass over it could mean less protection than was asked for.
  const namesTls = /[?&]ssl(mode)?=/.test(given.DATABASE_URL ?? '')
  if (given.DATABASE_URL !== undefined && !namesTls && environment.PGSSLMODE?.trim()) {
    problems.push('PGSSLMODE is not read: write its value into DATABASE_URL as ?sslmode=')
  }
  if (emailVerification === 'required' && !contracts.served.some((name) => verifyingContracts.includes(name))) {
    problems.push(
      `EMAIL_VERIFICATION must not be required unless CONTRACTS names ${verifyingContracts.join(' or ')}: nobody could verify`,
    )
  }
  return problems
}
