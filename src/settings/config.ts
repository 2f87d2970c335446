import { smtpOf } from '../features/mail/settings.ts'
import type { Secrets } from '../kernel/secrets.ts'
import { deriveAccessTokenKey } from '../kernel/secrets.ts'
import type { Environment, ReadFile, SettingsRead } from './read-settings.ts'
import { readSettings } from './read-settings.ts'
import { problemsBetween } from './rules.ts'
import { wantsTraces } from './tracing.ts'

/** Everything the server was told, in the groups of the parts that use it. Durations are in seconds. */
export type Config = ReturnType<typeof configOf>

/** The configuration once it has its keys. */
export type CompleteConfig = Config & { readonly secretKeys: Secrets; readonly accessTokenKeys: Secrets }

/** The values, and what follows from several of them. */
function configOf({ values, production, environment }: Pick<SettingsRead, 'values' | 'production' | 'environment'>) {
  const { process, keys, accounts, tokens, mail, links, ...groups } = values
  const { frontendUrl: givenFrontendUrl, ...server } = values.server
  const { port, cookies } = server
  const publicUrl = server.publicUrl ?? `http://localhost:${typeof port === 'number' ? port : ''}`
  const frontendUrl = givenFrontendUrl ?? publicUrl
  return {
    ...groups,
    ...keys,
    ...accounts,
    production,
    logLevel: process.logLevel,
    workers: process.workers,
    /** Whether traces are sent to a collector. */
    traces: wantsTraces(environment),
    server: {
      ...server,
      publicUrl,
      corsOrigins: server.corsOrigins ?? originsOf(frontendUrl),
      cookies: {
        ...cookies,
        secure: production || publicUrl.startsWith('https:'),
        partitioned: cookies.partitioned ?? cookies.sameSite === 'none',
      },
    },
    tokens: {
      issuers: tokens.issuers ?? ([publicUrl] as const),
      audiences: tokens.audiences ?? ([publicUrl] as const),
    },
    mail: { smtp: smtpOf(mail, publicUrl), from: mail.from },
    /** `toOwnPages`: the links lead to pages of this server, as no frontend is configured. */
    links: { ...links, frontendUrl, toOwnPages: givenFrontendUrl === undefined },
  } as const
}

/** The origin of a frontend's pages; none for an application, as the address that opens it says nothing of their origin. */
function originsOf(frontendUrl: string): readonly string[] {
  return /^https?:/.test(frontendUrl) ? [new URL(frontendUrl).origin] : []
}

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
export function readConfig(environment: Environment, readFile: ReadFile = noFile): Config {
  const problems: string[] = []
  const read = readSettings(environment, readFile, problems)
  const config = configOf(read)
  problems.push(...problemsBetween(read))
  if (problems.length > 0) throw new ConfigError(problems)
  return deepFreeze(config)
}

function noFile(): never {
  throw Object.assign(new Error('no files can be read here'), { code: 'ENOENT' })
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(deepFreeze)
  return value
}
