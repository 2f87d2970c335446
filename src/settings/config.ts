import { contractNames } from '../kernel/policy.ts'
import type { Secrets } from '../kernel/secrets.ts'
import { deriveAccessTokenKey } from '../kernel/secrets.ts'
import type { CompleteConfig, Config } from './config-types.ts'
import { readMailConfig } from './mail.ts'
import { SettingRefusal } from './parsers.ts'
import { contradictions, exposureProblems, productionProblems, usualPaths } from './problems.ts'
import type { ReadFile } from './secret-files.ts'
import { readSecretFiles } from './secret-files.ts'
import type { Environment, GivenSettings, SettingName } from './settings.ts'
import { settings } from './settings.ts'

/** The configuration with these secret keys and the access token keys that go with them. */
export function withKeys(config: Config, secretKeys: Secrets): CompleteConfig {
  const [secret, ...olderSecrets] = secretKeys
  const [given, ...othersGiven] = config.accessTokenKeys
  const derived: Secrets = [deriveAccessTokenKey(secret), ...olderSecrets.map(deriveAccessTokenKey)]
  return { ...config, secretKeys, accessTokenKeys: given === undefined ? derived : [given, ...othersGiven] }
}

/** Everything that is wrong with the settings, by name, with the remedy and without a value. */
export class ConfigError extends Error {
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(`The settings cannot be used:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`)
    this.name = 'ConfigError'
    this.problems = problems
  }
}

/** Turns the environment into the configuration. Throws a ConfigError that names all mistakes at once. */
export function readConfig(variables: Environment, readFile: ReadFile = noFile): Config {
  const problems: string[] = []
  const environment = readSecretFiles(variables, readFile, problems)
  const given = readSettings(environment, problems)
  const production = given.NODE_ENV === 'production'
  if (production) problems.push(...productionProblems(environment, given))
  problems.push(...exposureProblems(environment, given))

  const port = given.PORT ?? 3000
  const publicUrl = given.PUBLIC_URL ?? `http://localhost:${typeof port === 'number' ? port : ''}`
  const frontendUrl = given.FRONTEND_URL ?? publicUrl
  const config: Config = {
    production,
    logLevel: given.LOG_LEVEL ?? 'info',
    server: {
      host: given.HOST ?? (production ? '0.0.0.0' : '127.0.0.1'),
      port,
      publicUrl,
      trustProxy: given.TRUST_PROXY ?? 0,
      corsOrigins: given.CORS_ORIGINS ?? originsOf(frontendUrl),
      corsHeaders: given.CORS_HEADERS ?? [],
      rateLimits: given.RATE_LIMITS ?? true,
      requestsPerMinute: {
        costly: given.RATE_LIMIT_PASSWORDS ?? 30,
        change: given.RATE_LIMIT_CHANGES ?? 120,
        read: given.RATE_LIMIT_READS ?? 600,
      },
      redisUrl: given.REDIS_URL,
      refreshTransport: given.REFRESH_TRANSPORT ?? 'client',
      cookies: {
        secure: production || publicUrl.startsWith('https:'),
        sameSite: given.COOKIE_SAMESITE ?? 'strict',
        partitioned: given.COOKIE_PARTITIONED ?? given.COOKIE_SAMESITE === 'none',
      },
      clearSiteData: given.CLEAR_SITE_DATA ?? [],
      docs: given.DOCS ?? !production,
      metrics: given.METRICS ?? !production,
    },
    database: {
      url: given.DATABASE_URL,
      dataDir: given.DATA_DIR ?? '.data',
      poolSize: given.DATABASE_POOL ?? 10,
      waitLimit: given.DATABASE_WAIT ?? 60,
    },
    secretKeys: given.SECRET_KEY ?? [],
    accessTokenKeys: given.ACCESS_TOKEN_KEY ?? [],
    contracts: { served: given.CONTRACTS ?? contractNames, sunsets: given.CONTRACT_SUNSET ?? {} },
    tokens: { issuers: given.JWT_ISSUER ?? [publicUrl], audiences: given.JWT_AUDIENCE ?? [publicUrl] },
    sessions: {
      accessLifetime: given.ACCESS_TOKEN_LIFETIME ?? 15 * 60,
      refreshLifetime: given.REFRESH_TOKEN_LIFETIME ?? 7 * 86_400,
      sessionLifetime: given.SESSION_LIFETIME ?? 30 * 86_400,
      refreshGrace: given.REFRESH_GRACE ?? 10,
      refreshGraceUnseen: given.REFRESH_GRACE_UNSEEN ?? 0,
      sessionsPerUser: given.SESSIONS_PER_USER ?? 100,
      tokensByBearer: given.TOKENS_BY_BEARER ?? true,
    },
    emailVerification: given.EMAIL_VERIFICATION ?? 'optional',
    passwords: {
      bcryptCost: given.BCRYPT_COST ?? 12,
      minLength: given.PASSWORD_MIN_LENGTH ?? 8,
      peppers: given.PASSWORD_PEPPER ?? [],
      hashQueue: given.HASH_QUEUE ?? 50,
    },
    phones: { defaultCountry: given.PHONE_DEFAULT_COUNTRY },
    mail: readMailConfig(given, publicUrl),
    links: {
      frontendUrl,
      verifyEmailPath: given.VERIFY_EMAIL_PATH ?? usualPaths.VERIFY_EMAIL_PATH,
      resetPasswordPath: given.RESET_PASSWORD_PATH ?? usualPaths.RESET_PASSWORD_PATH,
      restAuth: {
        verifyEmailPath: given.REST_AUTH_VERIFY_EMAIL_PATH,
        resetPasswordPath: given.REST_AUTH_RESET_PASSWORD_PATH ?? usualPaths.REST_AUTH_RESET_PASSWORD_PATH,
      },
      toOwnPages: given.FRONTEND_URL === undefined,
    },
  }

  problems.push(...contradictions(config, environment, given))
  if (problems.length > 0) throw new ConfigError(problems)
  return deepFreeze(config)
}

/** The origin of a frontend's pages; none where an application is opened, as its address says nothing of their origin. */
function originsOf(frontendUrl: string): string[] {
  return /^https?:/.test(frontendUrl) ? [new URL(frontendUrl).origin] : []
}

function noFile(): never {
  throw Object.assign(new Error('no files can be read here'), { code: 'ENOENT' })
}

/** Reads each setting by itself. An empty one counts as absent. */
function readSettings(environment: Environment, problems: string[]): GivenSettings {
  const given: Partial<Record<SettingName, unknown>> = {}
  for (const name of Object.keys(settings) as SettingName[]) {
    const text = environment[name]?.trim()
    if (!text) continue
    try {
      given[name] = settings[name](text)
    } catch (error) {
      if (!(error instanceof SettingRefusal)) throw error
      problems.push(`${name} ${error.message}`)
    }
  }
  return given as GivenSettings
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(deepFreeze)
  return value
}
