import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import dotenv from 'dotenv'
import { completeConfig } from '../src/complete-config.ts'
import type { CompositionRoot } from '../src/composition-root.ts'
import { createCompositionRoot } from '../src/composition-root.ts'
import { contracts } from '../src/contracts/index.ts'
import { contractPolicy } from '../src/contracts/policy.ts'
import { openEmbeddedPostgres } from '../src/embedded-postgres/open.ts'
import { userErrors } from '../src/features/user/index.ts'
import { clientNetwork } from '../src/kernel/address.ts'
import type { Caller } from '../src/kernel/caller.ts'
import { AuthError, StartError } from '../src/kernel/errors.ts'
import { applyMigrations } from '../src/platform/database/migrations.ts'
import { createLogger } from '../src/platform/logger.ts'
import type { Config } from '../src/settings/config.ts'
import { ConfigError, readConfig } from '../src/settings/config.ts'
import type { SeededUser } from './seeded-users.ts'
import { seededPassword, seededUsers } from './seeded-users.ts'

const usage = `Usage: npm run seed

Adds a hundred users to the development database, with sessions, failed logins, and mails in the development mailbox. All have the same
password, which is printed. Users who are there already stay as they are. It makes no difference whether the server runs.

Options:
  --help  show this

The settings are those of npm start. With NODE_ENV=production, or with a mail server (EMAIL_HOST), it changes nothing.
`

/** Users at a time. */
const width = 10

/** The settings of the server, except for a low cost of hashes: a login renews the hash with the cost of the settings. */
function readSettings(): Config {
  const given = { ...dotenv.config({ quiet: true, processEnv: {} }).parsed, ...process.env }
  if (given.NODE_ENV === 'production') {
    throw new StartError(
      'NODE_ENV is production. npm run seed is for development: the password of seeded users is public',
    )
  }
  const config = readConfig({ ...given, BCRYPT_COST: '4' }, (path) => readFileSync(path, 'utf8'))
  if (config.mail.smtp) {
    throw new StartError(
      'EMAIL_HOST is set, and the mails of seeded users are for the development mailbox. Remove EMAIL_HOST',
    )
  }
  return config
}

async function seed(): Promise<void> {
  const config = readSettings()
  const { url = '', dataDir } = config.database
  const database = url ? { url, stop: async () => undefined } : await openEmbeddedPostgres({ dataDir })
  try {
    await applyMigrations({ url: database.url })
    const logger = createLogger('error')
    const root = await createCompositionRoot(await completeConfig(config), { databaseUrl: database.url, logger })
    try {
      await addUsers(root, config)
    } finally {
      await root.drain(10_000)
      await root.close()
    }
  } finally {
    await database.stop()
  }
}

async function addUsers({ services }: CompositionRoot, config: Config): Promise<void> {
  const contract = contracts.find(({ name }) => name === 'v1')
  if (!contract) throw new Error('there is no contract v1')
  // Users get their first session even where EMAIL_VERIFICATION allows its use only once the address is verified.
  const policy = { ...contractPolicy(contract, config), verificationRequired: false }

  /** Registers the user, and returns what the user does once the mail is there; undefined for a user who is there already. */
  async function register({ person, verifies, logins, mistypes, forgets }: SeededUser) {
    let mailedToken = ''
    const links = {
      ...policy.links,
      verifyEmail(token: string): string {
        mailedToken = token
        return policy.links.verifyEmail(token)
      },
    }
    const [first, ...others] = logins.map((place) => callerAt({ ...place, policy: { ...policy, links } }))
    if (!first) return undefined
    const { username: identifier, email } = person
    try {
      await services.registration.register(person, seededPassword, first)
    } catch (error) {
      if (error instanceof AuthError && isThere.includes(error.definition)) return undefined
      throw error
    }
    return async () => {
      if (verifies) await services.verification.verify({ token: mailedToken }, first)
      for (const caller of others) await services.login.logIn({ identifier, password: seededPassword }, caller)
      if (mistypes)
        await services.login.logIn({ identifier, password: 'walk the cat at noon' }, first).catch(expectRefusal)
      if (forgets) await services.passwords.forgot(email, first)
    }
  }

  let added = 0
  for (let done = 0; done < seededUsers.length; done += width) {
    const users = seededUsers.slice(done, done + width)
    const newUsers = (await Promise.all(users.map(register))).filter((act) => act !== undefined)
    // A mail whose link was used is not sent any more.
    await services.mailWorker.drain()
    await Promise.all(newUsers.map((act) => act()))
    added += newUsers.length
    console.log(`${done + users.length} of ${seededUsers.length} users`)
  }
  await services.mailWorker.drain()
  console.log(summary(added))
}

const isThere: readonly unknown[] = [userErrors.username_taken, userErrors.email_taken]

function expectRefusal(error: unknown): void {
  if (!(error instanceof AuthError)) throw error
}

function callerAt({ ip, userAgent, policy }: Pick<Caller, 'ip' | 'userAgent' | 'policy'>): Caller {
  return {
    requestId: randomUUID(),
    ip,
    network: clientNetwork(ip),
    userAgent,
    bearer: undefined,
    device: undefined,
    policy,
  }
}

function summary(added: number): string {
  const there = seededUsers.length - added
  return [
    '',
    ...(added > 0 ? [`${added} users have been added. Their mails are at /mailbox of the server.`] : []),
    ...(there > 0 ? [`${there} users were there already, and stay as they are.`] : []),
    `Log in as ${seededUsers[0]?.person.username} or another of them; the password of a new user is: ${seededPassword}`,
  ].join('\n')
}

function wantsHelp(): boolean {
  try {
    return parseArgs({ options: { help: { type: 'boolean', short: 'h' } } }).values.help ?? false
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${usage}`)
    return process.exit(2)
  }
}

if (wantsHelp()) {
  process.stdout.write(usage)
} else {
  try {
    await seed()
  } catch (error) {
    console.error(error instanceof ConfigError || error instanceof StartError ? error.message : error)
    process.exitCode = 1
  }
}
