import { Resolver } from 'node:dns/promises'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode } from '../kernel/errors.ts'
import type { Config } from '../settings/config.ts'
import type { Shell } from './shell.ts'

/** What a check found. `unknown` is no failure: what was asked did not answer, or there is nothing to ask. */
export interface Finding {
  readonly check: string
  readonly state: 'ok' | 'warning' | 'failed' | 'unknown'
  readonly finding: string
}

const farClockMs = 1000

export async function checkDatabase(shell: Shell): Promise<Finding[]> {
  const url = await shell.databaseUrl()
  const { inspectDatabase } = await import('../platform/database/inspection.ts')
  const { planMigrations } = await import('../platform/database/migrations.ts')
  const { version, encoding, timeZone, takesWrites, aheadMs } = await inspectDatabase(url)
  const pending = await planMigrations({ url })
  return [
    { check: 'database', state: 'ok', finding: `PostgreSQL ${version}, encoding ${encoding}, time zone ${timeZone}` },
    takesWrites
      ? { check: 'write access', state: 'ok', finding: 'the database takes writes' }
      : { check: 'write access', state: 'failed', finding: 'the database is a standby or read-only: use the primary' },
    pending.length === 0
      ? { check: 'migrations', state: 'ok', finding: 'none is pending' }
      : { check: 'migrations', state: 'failed', finding: `pending: ${pending.join(', ')}; run auth-server migrate` },
    {
      check: 'clock',
      state: Math.abs(aheadMs) < farClockMs ? 'ok' : 'warning',
      finding: `the database is ${Math.abs(aheadMs)} ms ${aheadMs < 0 ? 'behind' : 'ahead of'} this machine`,
    },
  ]
}

/** Whether passwords can be written to Django, where they are to be. */
export async function checkDjango({ djangoTokens }: Config): Promise<Finding[]> {
  const { databaseUrl, userTable, writePasswords } = djangoTokens
  if (databaseUrl === undefined || !writePasswords) return []
  const { checkDjangoPasswords } = await import('../platform/database/inspection.ts')
  return checkDjangoPasswords(databaseUrl, userTable).then(
    (table) => [{ check: 'Django', state: 'ok', finding: `passwords can be written to the table ${table}` }],
    (error: Error) => [{ check: 'Django', state: 'failed', finding: error.message }],
  )
}

export async function checkMailServer({ mail }: Config): Promise<Finding[]> {
  if (!mail.smtp) return [{ check: 'mail server', state: 'unknown', finding: 'EMAIL_HOST is not set' }]
  const { createSmtpMailer } = await import('../platform/mailer.ts')
  const where = `${mail.smtp.host}:${mail.smtp.port}`
  try {
    await createSmtpMailer({ smtp: mail.smtp, from: mail.from }).verify()
    const login = mail.smtp.user === undefined ? 'without a login' : 'with its login'
    return [{ check: 'mail server', state: 'ok', finding: `${where} accepts the connection, ${login}` }]
  } catch (error) {
    return [{ check: 'mail server', state: 'failed', finding: `${where}: ${(error as Error).message}` }]
  }
}

const dnsLimitMs = 2000

/** The records by which other mail servers believe the sender. */
export async function checkSender({ mail }: Config): Promise<Finding[]> {
  const domain = /@([^@>]+)>?$/.exec(mail.from)?.[1] ?? ''
  if (!mail.smtp || !domain.includes('.')) return []
  const resolver = new Resolver({ timeout: dnsLimitMs, tries: 1 })
  const texts = async (name: string) => (await resolver.resolveTxt(name)).map((parts) => parts.join(''))
  const begins = (word: string) => async (name: string) => (await texts(name)).some((text) => text.startsWith(word))
  const records: [string, string, (name: string) => Promise<boolean>][] = [
    ['SPF', domain, begins('v=spf1')],
    ['DMARC', `_dmarc.${domain}`, begins('v=DMARC1')],
    // The names of the keys are not known here; a name below which there are keys exists without a record of its own.
    ['DKIM', `_domainkey.${domain}`, async (name) => Boolean(await texts(name))],
  ]
  return Promise.all(records.map(async ([check, name, isThere]) => checkRecord(check, name, isThere)))
}

async function checkRecord(check: string, name: string, isThere: (name: string) => Promise<boolean>): Promise<Finding> {
  const missing: Finding = {
    check,
    state: 'warning',
    finding: `there is no record at ${name}: mails may count as spam`,
  }
  const found: Finding = { check, state: 'ok', finding: `there is a record at ${name}` }
  try {
    return (await isThere(name)) ? found : missing
  } catch (error) {
    if (hasCode(error, 'ENODATA')) return check === 'DKIM' ? found : missing
    if (hasCode(error, 'ENOTFOUND')) return missing
    return { check, state: 'unknown', finding: `DNS gives no answer about ${name}` }
  }
}

const slowHashMs = 1000

export async function checkHash({ passwords }: Config): Promise<Finding[]> {
  const { createBcryptHasher } = await import('../platform/password-hasher.ts')
  const { bcryptCost: cost, hashQueue: queueLimit, peppers } = passwords
  const hasher = createBcryptHasher({ cost, peppers, queueLimit })
  await hasher.hash('warming up', '')
  const startedAt = performance.now()
  await hasher.hash('a password', '')
  const ms = Math.round(performance.now() - startedAt)
  const finding = `${ms} ms of one core for each login, with BCRYPT_COST ${cost}`
  return [{ check: 'password hash', state: ms < slowHashMs ? 'ok' : 'warning', finding }]
}

/** A key in the environment has no age; one in a file is as old as the file. */
export async function checkKey(config: Config, environment: Shell['environment']): Promise<Finding[]> {
  const given = environment.SECRET_KEY_FILE
  if (!given && config.secretKeys.length > 0) {
    return [{ check: 'key', state: 'unknown', finding: 'SECRET_KEY is in the environment, which has no date' }]
  }
  const file = given || join(config.database.dataDir, 'secret-key')
  const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: undefined }))
  if (mtimeMs === undefined) return [{ check: 'key', state: 'unknown', finding: `there is no key in ${file} yet` }]
  const days = Math.floor((Date.now() - mtimeMs) / 86_400_000)
  return [{ check: 'key', state: 'ok', finding: `SECRET_KEY is ${days} days old, by the date of its file` }]
}
