import { linkSettings } from '../features/mail/settings.ts'
import { isLoopback, leadsElsewhere } from '../kernel/loopback.ts'
import type { ContractName } from '../kernel/policy.ts'
import { howToMakeAKey } from '../kernel/setting-types.ts'
import { djangoRules } from './django-rules.ts'
import type { SettingsRead } from './read-settings.ts'
import type { SettingName } from './settings.ts'
import { allSettings, settingsIn } from './settings.ts'

/** Why a server at a Unix socket does not start. */
export const proxiesUncounted =
  'TRUST_PROXY must be the number of proxies, 1 or more, when PORT is a socket: what speaks over it has no address, and without the one that it forwards all clients would share one budget'

/** Whether the setting says how many proxies there are, which is all that can be known of them over a Unix socket. */
export function countsProxies(trustProxy: number | readonly string[] | undefined): boolean {
  return typeof trustProxy === 'number' && trustProxy > 0
}

/** The contracts that have an endpoint for mailed verification tokens. */
const verifyingContracts: readonly ContractName[] = ['v1', 'rest-auth', 'dj-rest-auth', 'djoser']

/** A key in two settings is known wherever one of them is known: the keys for access tokens and of Django are shared with other services. */
const keySettings = ['SECRET_KEY', 'ACCESS_TOKEN_KEY', 'PASSWORD_PEPPER', 'DJANGO_SECRET_KEY'] as const

/** Settings that contradict each other. A setting that could not be read has its own problem and contradicts nothing. */
export function problemsBetween(read: SettingsRead): string[] {
  const { given, values, production, environment, isAbsent, sourceOf } = read
  const { sessions, accounts, contracts } = values
  const isUnread = (name: SettingName) => given[name] === undefined && !isAbsent(name)
  const isMissing = (name: SettingName) => isAbsent(name) && !(production && isNeededInProduction(name))
  const areRead = (...names: SettingName[]) => !names.some(isUnread)
  const isSocket = typeof given.PORT === 'string'
  const hasPlainUrl = !given.PUBLIC_URL?.startsWith('https:')
  const isVerifiable = contracts.served.some((name) => verifyingContracts.includes(name))

  const rules: [boolean, string][] = [
    ...exposedSettings(read).map((name): [boolean, string] => [
      true,
      `${name} must name this machine, such as localhost, as the development mailbox would show every mail: set NODE_ENV=production and what it needs, or EMAIL_HOST and DEFAULT_FROM_EMAIL to send mails`,
    ]),
    ...sharedKeys(read).map(([name, other]): [boolean, string] => [
      true,
      `${sourceOf(name)} must not hold a key of ${sourceOf(other)}; make another with: ${howToMakeAKey.replace(/.*: /, '')}`,
    ]),
    [
      sessions.refreshLifetime < sessions.accessLifetime && areRead('REFRESH_TOKEN_LIFETIME', 'ACCESS_TOKEN_LIFETIME'),
      'REFRESH_TOKEN_LIFETIME must not be shorter than ACCESS_TOKEN_LIFETIME',
    ],
    [
      sessions.sessionLifetime < sessions.refreshLifetime && areRead('SESSION_LIFETIME', 'REFRESH_TOKEN_LIFETIME'),
      'SESSION_LIFETIME must not be shorter than REFRESH_TOKEN_LIFETIME',
    ],
    [
      given.EMAIL_HOST !== undefined && isMissing('DEFAULT_FROM_EMAIL'),
      'DEFAULT_FROM_EMAIL must be set when EMAIL_HOST is: the sender of mails',
    ],
    [
      isSocket && isMissing('PUBLIC_URL'),
      'PUBLIC_URL must be set when PORT is a socket: the address by which clients reach this server',
    ],
    [
      // The socket that systemd hands over may belong to a port: that is checked once the socket is there.
      isSocket && given.PORT !== 'systemd' && areRead('TRUST_PROXY') && !countsProxies(given.TRUST_PROXY),
      proxiesUncounted,
    ],
    [
      isSocket && (given.WEB_CONCURRENCY ?? 1) > 1,
      'WEB_CONCURRENCY must be 1 when PORT is a socket: workers share ports only',
    ],
    [
      given.PORT === 0 && isMissing('PUBLIC_URL'),
      'PUBLIC_URL must be set when PORT is 0: the address by which clients reach the port that the system chooses',
    ],
    [
      given.COOKIE_SAMESITE === 'none' && hasPlainUrl && areRead('PUBLIC_URL'),
      'COOKIE_SAMESITE must not be none unless PUBLIC_URL is an https address: browsers drop such cookies',
    ],
    [
      given.COOKIE_PARTITIONED === true && given.COOKIE_SAMESITE !== 'none' && areRead('COOKIE_SAMESITE'),
      'COOKIE_PARTITIONED must not be on unless COOKIE_SAMESITE is none: other cookies reach no other site',
    ],
    [
      !contracts.served.includes('v1') && isMissing('FRONTEND_URL'),
      "FRONTEND_URL must be set when CONTRACTS leaves out v1: the site that the links in mails lead to, as this server's own pages use v1",
    ],
    ...changedPaths(read).map((name): [boolean, string] => [
      isMissing('FRONTEND_URL'),
      `FRONTEND_URL must be set when ${name} is: the site that has this page`,
    ]),
    [
      (given.EMAIL_HOST_USER === undefined) !== (given.EMAIL_HOST_PASSWORD === undefined) &&
        areRead('EMAIL_HOST_USER', 'EMAIL_HOST_PASSWORD'),
      'EMAIL_HOST_USER and EMAIL_HOST_PASSWORD must be set together',
    ],
    [
      production && given.EMAIL_USE_TLS === false && logsInElsewhere(read),
      'EMAIL_USE_TLS must not be off in production when EMAIL_HOST_PASSWORD is sent to another machine',
    ],
    [
      // `pg` would read it, and if it were ignored, the connection could be less protected than the operator wants.
      given.DATABASE_URL !== undefined &&
        !/[?&]ssl(mode)?=/.test(given.DATABASE_URL) &&
        !!environment.PGSSLMODE?.trim(),
      `PGSSLMODE is not read: write its value into ${sourceOf('DATABASE_URL')} as ?sslmode=`,
    ],
    [
      accounts.emailVerification === 'required' && !isVerifiable,
      `EMAIL_VERIFICATION must not be required unless CONTRACTS names one of ${verifyingContracts.join(', ')}: no user could verify an address`,
    ],
  ]
  return [...rules, ...djangoRules(read)].filter(([applies]) => applies).map(([, problem]) => problem)
}

function isNeededInProduction(name: SettingName): boolean {
  return allSettings.some((setting) => setting.name === name && setting.neededInProduction)
}

/**
 * Outside production and without a mail server every mail can be read at /mailbox, reset tokens included. Settings for a
 * server that others reach then mean that NODE_ENV was forgotten.
 */
function exposedSettings({ given, production, isAbsent }: SettingsRead): SettingName[] {
  const isModeKnown = given.NODE_ENV !== undefined || isAbsent('NODE_ENV')
  if (production || !isModeKnown || !isAbsent('EMAIL_HOST')) return []
  const urls = (['PUBLIC_URL', 'FRONTEND_URL'] as const).filter((name) => leadsElsewhere(given[name] ?? ''))
  return given.HOST !== undefined && !isLoopback(given.HOST) ? ['HOST', ...urls] : urls
}

function sharedKeys({ given }: SettingsRead): [SettingName, SettingName][] {
  return keySettings.flatMap((other, index) =>
    keySettings
      .slice(index + 1)
      // A Django that is left as it is verifies access tokens with its own key.
      .filter((name) => !(name === 'DJANGO_SECRET_KEY' && other === 'ACCESS_TOKEN_KEY'))
      .filter((name) => given[name]?.some((key) => given[other]?.includes(key)))
      .map((name): [SettingName, SettingName] => [name, other]),
  )
}

/** The paths of links that are not the usual ones, which lead to pages that this server has. */
function changedPaths({ given }: SettingsRead): string[] {
  const changed = (name: string, usual: unknown) => {
    const path = given[name as SettingName]
    return path !== undefined && path !== usual
  }
  return settingsIn(linkSettings.settings)
    .filter((setting) => changed(setting.name, setting.default))
    .map(({ name }) => name)
}

function logsInElsewhere({ given }: SettingsRead): boolean {
  const isEncrypted = given.EMAIL_USE_SSL ?? given.EMAIL_PORT === 465
  return !isEncrypted && given.EMAIL_HOST_PASSWORD !== undefined && !isLoopback(given.EMAIL_HOST ?? 'localhost')
}
