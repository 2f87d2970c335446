import { frontendUrl, headerNames, origins } from './frontend-parsers.ts'
import { certificates, domainName, mailbox } from './mail-parsers.ts'
import { listeningPlace, postgresUrl, proxies, redisUrl } from './network-parsers.ts'
import type { Parser } from './parsers.ts'
import {
  baseUrl,
  contracts,
  duration,
  hostName,
  integer,
  longKeys,
  oneOf,
  onOff,
  path,
  phoneCountry,
  siteData,
  sunsets,
  text,
  tokenNames,
} from './parsers.ts'

export type Environment = Readonly<Record<string, string | undefined>>

const day = 86_400

/** The longest lifetimes that tokens can be given, in seconds. Sessions keep those they were opened with. */
export const longestLifetime = { access: day, refresh: 366 * day }

/**
 * Every setting there is, with how it is read. Defaults and what depends on other settings are in config.ts. One whose name
 * ends in _FILE names the file that the setting before the ending is read from.
 */
export const settings = {
  NODE_ENV: oneOf('development', 'test', 'production'),
  PORT: listeningPlace,
  HOST: hostName,
  PUBLIC_URL: baseUrl,
  FRONTEND_URL: frontendUrl,
  DATABASE_URL: postgresUrl,
  DATABASE_URL_FILE: text,
  DATA_DIR: text,
  DATABASE_POOL: integer(2, 500),
  DATABASE_WAIT: duration(0, 3600, 'from 0s to 1h'),
  SECRET_KEY: longKeys,
  SECRET_KEY_FILE: text,
  ACCESS_TOKEN_KEY: longKeys,
  ACCESS_TOKEN_KEY_FILE: text,
  JWT_ISSUER: tokenNames,
  JWT_AUDIENCE: tokenNames,
  ACCESS_TOKEN_LIFETIME: duration(1, longestLifetime.access, 'from 1s to 1d'),
  REFRESH_TOKEN_LIFETIME: duration(1, longestLifetime.refresh, 'from 1s to 366d'),
  SESSION_LIFETIME: duration(1, 3660 * day, 'from 1s to 3660d'),
  REFRESH_GRACE: duration(0, 60, 'from 0s to 60s'),
  REFRESH_GRACE_UNSEEN: duration(0, 30 * day, 'from 0s to 30d'),
  SESSIONS_PER_USER: integer(1, 10_000),
  TOKENS_BY_BEARER: onOff,
  CONTRACTS: contracts,
  CONTRACT_SUNSET: sunsets,
  EMAIL_VERIFICATION: oneOf('optional', 'required'),
  EMAIL_HOST: hostName,
  EMAIL_PORT: integer(1, 65_535),
  EMAIL_USE_TLS: onOff,
  EMAIL_USE_SSL: onOff,
  EMAIL_CA: certificates,
  EMAIL_CA_FILE: text,
  EMAIL_EHLO_NAME: domainName,
  EMAIL_HOST_USER: text,
  EMAIL_HOST_PASSWORD: text,
  EMAIL_HOST_PASSWORD_FILE: text,
  DEFAULT_FROM_EMAIL: mailbox,
  VERIFY_EMAIL_PATH: path('token'),
  RESET_PASSWORD_PATH: path('token', 'uid'),
  REST_AUTH_VERIFY_EMAIL_PATH: path('token'),
  REST_AUTH_RESET_PASSWORD_PATH: path('token', 'uid'),
  BCRYPT_COST: integer(4, 20),
  PASSWORD_MIN_LENGTH: integer(8, 64),
  PASSWORD_PEPPER: longKeys,
  PASSWORD_PEPPER_FILE: text,
  HASH_QUEUE: integer(1, 100_000),
  PHONE_DEFAULT_COUNTRY: phoneCountry,
  CORS_ORIGINS: origins,
  CORS_HEADERS: headerNames,
  REFRESH_TRANSPORT: oneOf('client', 'cookie', 'body'),
  COOKIE_SAMESITE: oneOf('strict', 'lax', 'none'),
  COOKIE_PARTITIONED: onOff,
  CLEAR_SITE_DATA: siteData,
  TRUST_PROXY: proxies,
  RATE_LIMITS: onOff,
  RATE_LIMIT_PASSWORDS: integer(0, 100_000),
  RATE_LIMIT_CHANGES: integer(0, 100_000),
  RATE_LIMIT_READS: integer(0, 100_000),
  REDIS_URL: redisUrl,
  REDIS_URL_FILE: text,
  DOCS: onOff,
  METRICS: onOff,
  LOG_LEVEL: oneOf('debug', 'info', 'warn', 'error', 'silent'),
} satisfies Record<string, Parser<unknown>>

export type SettingName = keyof typeof settings

/** The settings that were given, read; the others are undefined. */
export type GivenSettings = { readonly [Name in SettingName]: ReturnType<(typeof settings)[Name]> | undefined }
