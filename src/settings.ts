import { isIP } from 'node:net'
import type { ContractName } from './kernel/terms.ts'
import { contractNames } from './kernel/terms.ts'
import { parseDuration } from './kernel/time.ts'

/** Reads one setting's text. Throws a SettingRefusal whose message says what to write instead, never what was written. */
type Parser<Value> = (text: string) => Value

export class SettingRefusal extends Error {}

function refuse(remedy: string): never {
  throw new SettingRefusal(remedy)
}

function integer(min: number, max: number): Parser<number> {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
    return value >= min && value <= max ? value : refuse(`must be a whole number from ${min} to ${max}`)
  }
}

function oneOf<const Word extends string>(...words: Word[]): Parser<Word> {
  return (text) => words.find((word) => word === text.toLowerCase()) ?? refuse(`must be one of: ${words.join(', ')}`)
}

function duration(minSeconds: number, maxSeconds: number, range: string): Parser<number> {
  return (text) => {
    const seconds = parseDuration(text)
    return seconds !== undefined && seconds >= minSeconds && seconds <= maxSeconds
      ? seconds
      : refuse(`must be a duration ${range}, such as 90s, 15m, 12h or 7d`)
  }
}

function onOff(text: string): boolean {
  const word = text.toLowerCase()
  if (['on', 'true', 'yes', '1'].includes(word)) return true
  if (['off', 'false', 'no', '0'].includes(word)) return false
  return refuse('must be on or off')
}

function list(text: string): string[] {
  return text.split(',').map((item) => item.trim())
}

/** An http(s) address without user, query or fragment; its trailing slash is dropped. */
function baseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password || /[?#]/.test(text)) {
    return refuse('must be an http or https address without user, query or fragment, such as https://auth.example.com')
  }
  return url.href.replace(/\/+$/, '')
}

function origins(text: string): string[] {
  return list(text).map((item) => {
    const origin = URL.canParse(item) ? new URL(item).origin : undefined
    return origin === item && /^https?:/.test(origin)
      ? item
      : refuse(
          'must be exact origins separated by commas, such as https://app.example.com (no path, no trailing slash, no *)',
        )
  })
}

function postgresUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  return url && /^postgres(ql)?:$/.test(url.protocol) && url.pathname.length > 1
    ? text
    : refuse('must look like postgresql://user:password@host:5432/database')
}

/** With names and passwords in the form that addresses want, and a number for a path. */
function redisUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isRedis = url && /^rediss?:$/.test(url.protocol) && url.hostname !== '' && /^(\/\d{0,5})?$/.test(url.pathname)
  return isRedis && !/[?#]/.test(text) && [url.username, url.password].every(isDecodable)
    ? text
    : refuse('must look like redis://user:password@host:6379/0, or rediss:// for TLS')
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

function longKeys(text: string): string[] {
  const keys = list(text)
  return keys.every((key) => Buffer.byteLength(key) >= 32)
    ? keys
    : refuse(
        'must be 32 bytes or more (several: separated by commas, each so long); make one with: openssl rand -base64 48',
      )
}

function path(...placeholders: string[]): Parser<string> {
  return (text) => {
    const unknown = [...text.matchAll(/\{([^}]*)/g)].some(([, name]) => !placeholders.includes(name ?? ''))
    return text.startsWith('/') && !text.startsWith('//') && text.includes('{token}') && !unknown && !/\s/.test(text)
      ? text
      : refuse(
          `must be a path that begins with / and holds {token}; placeholders: ${placeholders.map((name) => `{${name}}`).join(', ')}`,
        )
  }
}

/** The name or address of a machine, without a scheme and a port. */
function hostName(text: string): string {
  return isIP(text) !== 0 || /^[a-z\d]([\w.-]{0,251}[a-z\d])?\.?$/i.test(text)
    ? text
    : refuse('must be the name or address of a machine alone, such as mail.example.com')
}

/** A bare address, or a name with the address in angle brackets. */
function mailbox(text: string): string {
  return /^([^<>\r\n"]{0,100}<[^\s<>@,;]+@[^\s<>@,;]+>|[^\s<>@,;]+@[^\s<>@,;]+)$/.test(text)
    ? text
    : refuse('must be an address such as auth@example.com or Example <auth@example.com>')
}

/** How many proxies to believe, or which: what Express calls "trust proxy". */
function proxies(text: string): number | string[] {
  if (/^\d{1,2}$/.test(text)) return Number(text)
  const remedy =
    'must be the number of proxies in front of this server, or their addresses or networks separated by commas, such as 10.0.0.0/8; "true" would believe anybody'
  return list(text).map((item) => {
    const [address = '', prefix, ...rest] = item.split('/')
    const family = isIP(address)
    const isNetwork =
      prefix === undefined || (/^[1-9]\d{0,2}$/.test(prefix) && Number(prefix) <= (family === 6 ? 128 : 32))
    return family !== 0 && isNetwork && rest.length === 0 ? item : refuse(remedy)
  })
}

function contracts(text: string): ContractName[] {
  return list(text).map(
    (item) =>
      contractNames.find((name) => name === item) ??
      refuse(`must be names separated by commas, of: ${contractNames.join(', ')}`),
  )
}

/** `rest-auth=2027-06-30,drf=2027-12-31`: the day, in UTC, from which a contract is gone. */
function sunsets(text: string): Partial<Record<ContractName, Date>> {
  const days = list(text).map((item) => {
    const [name, day = '', ...rest] = item.split('=')
    const known = contractNames.find((contract) => contract === name)
    const date = new Date(`${day}T00:00:00Z`)
    const isDay = /^\d{4}-\d\d-\d\d$/.test(day) && !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day)
    if (!known || !isDay || rest.length > 0) {
      return refuse(`must be days such as drf=2027-06-30 separated by commas; contracts: ${contractNames.join(', ')}`)
    }
    return [known, date] as const
  })
  return Object.fromEntries(days)
}

function text(value: string): string {
  return value
}

const day = 86_400

/** The longest lifetimes that tokens can be given, in seconds. Sessions keep those they were opened with. */
export const longestLifetime = { access: day, refresh: 366 * day }

/** Every setting there is, with how it is read. Defaults and what depends on other settings are in config.ts. */
export const settings = {
  NODE_ENV: oneOf('development', 'test', 'production'),
  PORT: integer(0, 65_535),
  HOST: hostName,
  PUBLIC_URL: baseUrl,
  FRONTEND_URL: baseUrl,
  DATABASE_URL: postgresUrl,
  DATA_DIR: text,
  DATABASE_POOL: integer(2, 500),
  SECRET_KEY: longKeys,
  JWT_AUDIENCE: text,
  ACCESS_TOKEN_LIFETIME: duration(1, longestLifetime.access, 'from 1s to 1d'),
  REFRESH_TOKEN_LIFETIME: duration(1, longestLifetime.refresh, 'from 1s to 366d'),
  SESSION_LIFETIME: duration(1, 3660 * day, 'from 1s to 3660d'),
  REFRESH_GRACE: duration(0, 60, 'from 0s to 60s'),
  CONTRACTS: contracts,
  CONTRACT_SUNSET: sunsets,
  EMAIL_VERIFICATION: oneOf('optional', 'required'),
  EMAIL_HOST: hostName,
  EMAIL_PORT: integer(1, 65_535),
  EMAIL_USE_TLS: onOff,
  EMAIL_HOST_USER: text,
  EMAIL_HOST_PASSWORD: text,
  DEFAULT_FROM_EMAIL: mailbox,
  VERIFY_EMAIL_PATH: path('token'),
  RESET_PASSWORD_PATH: path('token', 'uid'),
  BCRYPT_COST: integer(4, 20),
  PASSWORD_MIN_LENGTH: integer(8, 64),
  PASSWORD_PEPPER: longKeys,
  HASH_QUEUE: integer(1, 100_000),
  CORS_ORIGINS: origins,
  REFRESH_TRANSPORT: oneOf('client', 'cookie', 'body'),
  TRUST_PROXY: proxies,
  RATE_LIMITS: onOff,
  REDIS_URL: redisUrl,
  DOCS: onOff,
  METRICS: onOff,
  LOG_LEVEL: oneOf('debug', 'info', 'warn', 'error', 'silent'),
} satisfies Record<string, Parser<unknown>>

export type SettingName = keyof typeof settings

/** The settings that were given, read; the others are undefined. */
export type GivenSettings = { readonly [Name in SettingName]: ReturnType<(typeof settings)[Name]> | undefined }
