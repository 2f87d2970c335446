import { resolve } from 'node:path'
import { readVersion } from '../kernel/version.ts'
import type { Config } from '../settings/config.ts'

interface Started {
  readonly config: Config
  /** Or the socket in its place. */
  readonly port: number | string
  readonly served: readonly { readonly name: string; readonly prefix: string }[]
  /** Whether some contracts hide which addresses have an account, and others tell. */
  readonly contractsDisagree: boolean
}

/** The lines that a developer sees once the server answers. */
export function createBanner({ config, port, served, contractsDisagree }: Started): string {
  const { server, database, mail } = config
  const { host, publicUrl, docs } = server
  const isSocket = typeof port === 'string'
  const isLocal = ['127.0.0.1', '0.0.0.0', '::', '::1'].includes(host)
  const machine = isLocal ? 'localhost' : host.includes(':') ? `[${host}]` : host
  const here = isSocket ? publicUrl : `http://${machine}:${port}`
  const data =
    database.url === undefined ? `${resolve(database.dataDir)} (its own PostgreSQL)` : withoutSecrets(database.url)
  const lines = [
    `auth-server ${readVersion()} is ready`,
    '',
    ...(isSocket ? [] : [`  Home     ${here}/`]),
    ...served.map(
      ({ name, prefix }, index) =>
        `${index === 0 ? '  API      ' : ' '.repeat(11)}${here}${prefix}${name === 'v1' ? '' : ` (${name})`}`,
    ),
    ...(docs ? [`  Docs     ${here}/docs`] : []),
    `  Health   ${here}/healthz`,
    // Over a socket it shows nothing, as a proxy may speak there.
    ...(mail.smtp || isSocket ? [] : [`  Mailbox  ${here}/mailbox`]),
    ...(isSocket ? [`  Socket   ${port}`] : []),
    `  Data     ${data}`,
    ...(publicUrl === here ? [] : [`  Public   ${publicUrl}`]),
    ...(contractsDisagree
      ? ['  Beware   some contracts tell which addresses have an account; README.md, "The contracts"']
      : []),
    '',
    'Stop it with Ctrl-C.',
  ]
  return lines.join('\n')
}

/** Not the name of the setting, which `npm run dev` makes up for its own PostgreSQL. */
function withoutSecrets(databaseUrl: string): string {
  const { host, pathname, searchParams } = new URL(databaseUrl)
  return `PostgreSQL at ${searchParams.get('host') ?? host}, database ${decodeURIComponent(pathname.slice(1))}`
}
