import { featureSettings } from '../features/settings.ts'
import { contractNames } from '../kernel/policy.ts'
import { postgresUrl } from '../kernel/postgres-url.ts'
import type { Setting, SettingTree } from '../kernel/setting.ts'
import { fileNameOf, setting, settingGroup } from '../kernel/setting.ts'
import { anyText, duration, integer, keys, noSampleKeys } from '../kernel/setting-types.ts'
import { contracts, phoneCountry, sunsets, tokenNames } from './contract-types.ts'
import { metricsSettings, processSettings, serverSettings } from './server-settings.ts'

/** Every setting there is, by the group of the configuration that holds it, in the order of the documentation. */
export const settingGroups = {
  process: processSettings,
  server: serverSettings,
  metrics: metricsSettings,
  database: settingGroup('The database', {
    url: setting('DATABASE_URL', {
      type: postgresUrl,
      absent: 'a PostgreSQL that this server runs in `DATA_DIR`',
      secret: true,
      meaning:
        'the PostgreSQL to use, with `?schema=auth` for tables in that schema, and `sslmode`, `sslrootcert`, `sslcert` and `sslkey` as for `psql`',
      neededInProduction: true,
    }),
    dataDir: setting('DATA_DIR', {
      type: anyText,
      default: '.data',
      meaning:
        'the folder of its own PostgreSQL and of the keys that it makes. It is unused when `DATABASE_URL` and `SECRET_KEY` are set',
    }),
    poolSize: setting('DATABASE_POOL', {
      type: integer(2, 500),
      default: '10',
      meaning: 'the number of connections to the database that are kept open at most',
    }),
    waitLimit: setting('DATABASE_WAIT', {
      type: duration('0s', '1h'),
      default: '60s',
      meaning: 'how long a start waits for a database that does not answer',
    }),
    eventRetention: setting('EVENT_RETENTION', {
      type: duration('1d', '36600d'),
      absent: 'they are kept for ever',
      meaning:
        'how long the events of the audit trail are kept. They are deleted by whole months, so the oldest are up to a month older',
    }),
  }),
  keys: settingGroup('Keys', {
    secretKeys: setting('SECRET_KEY', {
      type: keys,
      default: '',
      absent: 'a key that is made in `DATA_DIR`',
      secret: true,
      meaning:
        'the key that all others but that of access tokens are derived from. Of several, the first signs and all verify. Never give it to another service',
      neededInProduction: true,
      inProduction: noSampleKeys,
    }),
    accessTokenKeys: setting('ACCESS_TOKEN_KEY', {
      type: keys,
      default: '',
      absent: 'a key derived from `SECRET_KEY`',
      secret: true,
      meaning:
        'the key that signs access tokens, which is all that a service needs to verify them. Of several, the first signs and all verify. Print it with: `npx auth-server keys show`',
      inProduction: {
        ...noSampleKeys,
        // Django's own key may look like one, and a Django that is left as it is verifies with no other.
        accepts: (given, { DJANGO_SECRET_KEY: ofDjango }) =>
          noSampleKeys.accepts(given.filter((key) => !(Array.isArray(ofDjango) && ofDjango.includes(key)))),
      },
    }),
  }),
  tokens: settingGroup('Tokens', {
    issuers: setting('JWT_ISSUER', {
      type: tokenNames,
      absent: '`PUBLIC_URL`',
      meaning: 'the issuer (`iss`) in tokens. Of several, the first is written and all are accepted',
    }),
    audiences: setting('JWT_AUDIENCE', {
      type: tokenNames,
      absent: '`PUBLIC_URL`',
      meaning: 'the audience (`aud`) in tokens. Of several, the first is written and all are accepted',
    }),
  }),
  contracts: settingGroup('Contracts', {
    served: setting('CONTRACTS', {
      type: contracts,
      default: contractNames.join(),
      meaning: 'the contracts that are served. The paths of the others are answered 404',
    }),
    sunsets: setting('CONTRACT_SUNSET', {
      type: sunsets,
      default: '',
      meaning: 'the days from which contracts will be gone. Their answers say so from now on',
    }),
  }),
  phones: settingGroup('Phone numbers', {
    defaultCountry: setting('PHONE_DEFAULT_COUNTRY', {
      type: phoneCountry,
      absent: 'each number needs the code of its country',
      meaning: 'the country of phone numbers that are written without the code of one',
    }),
  }),
  ...featureSettings,
}

/** The settings of the groups, nested as they are in the configuration. */
export type SettingTrees = {
  readonly [Group in keyof typeof settingGroups]: (typeof settingGroups)[Group]['settings']
}

type LeafOf<Tree> = Tree extends Setting ? Tree : { [Key in keyof Tree]: LeafOf<Tree[Key]> }[keyof Tree]
type AnySetting = LeafOf<SettingTrees>

export type SettingName = AnySetting['name']

/** The settings that were given and could be read; the others are undefined. */
export type GivenSettings = {
  readonly [Each in AnySetting as Each['name']]: Each extends Setting<string, infer Value> ? Value | undefined : never
}

export function settingsIn(tree: SettingTree): readonly Setting[] {
  return Object.values(tree).flatMap((branch) => (isSetting(branch) ? [branch] : settingsIn(branch)))
}

export function isSetting(branch: Setting | SettingTree): branch is Setting {
  return typeof branch.name === 'string'
}

export const allSettings = Object.values(settingGroups).flatMap((group) => settingsIn(group.settings))

/** Whether there is such a variable, one that names a file included. */
export function isSettingName(name: string): boolean {
  return allSettings.some((each) => each.name === name || fileNameOf(each) === name)
}
