import { isLoopback, leadsElsewhere, leadsToThisMachine } from '../kernel/loopback.ts'
import type { Config } from './config.ts'

const hour = 3600
const year = 366 * 24 * hour

/** Settings that can be right and seldom are: each with what it risks and the remedy, never with a value. */
export function configWarnings({
  production,
  server,
  sessions,
  passwords,
  mail,
  links,
  accessTokenKeys,
  djangoTokens,
}: Config): string[] {
  const warnings: [boolean, string][] = production
    ? [
        [
          mail.smtp !== undefined && !mail.smtp.useTls && !mail.smtp.useSsl && !isLoopback(mail.smtp.host),
          'EMAIL_USE_TLS is off for a mail server on another machine: tokens in mails can be read on the way; set it to on',
        ],
        [
          server.corsOrigins.some((origin) => origin.startsWith('http:')),
          'CORS_ORIGINS holds an http origin of this machine: any program that listens there on the machine of a user may call with their cookies; remove it unless an application needs it',
        ],
        [
          leadsToThisMachine(server.publicUrl) || leadsToThisMachine(links.frontendUrl),
          'PUBLIC_URL or FRONTEND_URL is this machine: links in mails lead users to their own machines; set the public addresses',
        ],
        [
          server.requestsPerMinute.costly > 300,
          'RATE_LIMIT_PASSWORDS is above 300: one client can keep a core busy with hashes, and try that many passwords a minute at as many accounts; set it to what the largest network of your users needs',
        ],
        [
          Object.values(server.requestsPerMinute).some((limit) => limit < 10),
          'RATE_LIMIT_PASSWORDS, RATE_LIMIT_CHANGES or RATE_LIMIT_READS is below 10: users behind one address keep each other out; remove it',
        ],
        [
          passwords.bcryptCost > 14,
          'BCRYPT_COST is above 14: a login takes a second of one core or more, so few clients can keep the server busy; set it to 12',
        ],
        [
          accessTokenKeys.length > 0 && sessions.tokensByBearer,
          'ACCESS_TOKEN_KEY is set while TOKENS_BY_BEARER is on: a service that has the key can get refresh tokens at /tokens; set TOKENS_BY_BEARER to off unless an application needs it',
        ],
        [
          djangoTokens.algorithm !== 'RS256' && djangoTokens.keys.some((key) => Buffer.byteLength(key) < 32),
          'DJANGO_SECRET_KEY holds a key of fewer than 32 bytes: a client that guesses it logs in as any imported user; remove it once no client has a refresh token of Django',
        ],
        [
          djangoTokens.keys.some((key) => accessTokenKeys.includes(key)),
          'ACCESS_TOKEN_KEY is a key of DJANGO_SECRET_KEY: a service that has it logs in as any imported user; remove DJANGO_SECRET_KEY once no client has a refresh token of Django',
        ],
        [
          sessions.accessLifetime > hour,
          'ACCESS_TOKEN_LIFETIME is above 1h: services that verify tokens by themselves learn of a logout that late; set it to 15m',
        ],
        [
          sessions.sessionLifetime > year,
          'SESSION_LIFETIME is above a year: a stolen session that is used stays open that long; set it to 30d',
        ],
      ]
    : [
        [
          leadsElsewhere(server.publicUrl) || leadsElsewhere(links.frontendUrl),
          'NODE_ENV is not production although PUBLIC_URL or FRONTEND_URL is not this machine: weak settings are accepted, and the documentation and the counters are open; set NODE_ENV=production if others use this server',
        ],
      ]
  return warnings.filter(([applies]) => applies).map(([, warning]) => warning)
}
