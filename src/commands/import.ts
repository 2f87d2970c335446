import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { InvalidArgumentError, Option } from 'commander'
import type { ImportOptions, ImportPlan } from '../features/django/index.ts'
import { StartError } from '../kernel/errors.ts'
import { asRecord, asText, openReport } from './import-report.ts'
import type { ChangeOptions, Shell } from './shell.ts'
import { addChange, addCommand } from './shell.ts'

interface Options extends ChangeOptions, Pick<ImportOptions, 'onConflict' | 'missingEmail' | 'verified'> {
  readonly from?: string
  readonly table?: string
  readonly map: Readonly<Record<string, string>>
  readonly mapping?: string
  readonly dryRun?: boolean
  readonly report?: string
}

const from = '--from postgresql://user@host/database'

export function addImportCommands(program: Command, shell: Shell): void {
  const imports = addCommand(program, 'import', {
    summary: 'take users over from another service',
    examples: [`import django ${from} --dry-run`],
  })

  addChange(imports, 'django', {
    summary: 'take over the users of a Django service, with their ids and passwords: all of it happens, or nothing',
    examples: [
      `import django ${from} --dry-run`,
      'import django --from dump.json --on-conflict skip',
      `import django ${from} --on-conflict rename --report left-out.csv`,
    ],
  })
    .option(
      '--from <source>',
      'the PostgreSQL database of Django, a .json file of manage.py dumpdata, or a .csv file (default: DJANGO_DATABASE_URL, so that no password stands in the list of processes)',
    )
    .option('--table <name>', 'the table or model of users (default: the one with the columns password and last_login)')
    .option('--map <field=column>', 'the column of a field, such as email=mail; can be repeated', mapped, {})
    .option('--mapping <file>', 'a JSON file with the columns of fields, such as {"email": "mail"}')
    .option('--verified <rule>', 'whose address counts as verified: active, allauth, all, none, or a column that tells')
    .addOption(
      new Option(
        '--on-conflict <how>',
        'fail: take nothing; skip: leave users out; rename: give usernames another ending',
      )
        .choices(['fail', 'skip', 'rename'])
        .default('fail'),
    )
    .addOption(
      new Option(
        '--missing-email <how>',
        'leave users without an address out, or give them one that no mail is sent to',
      ).choices(['skip', 'placeholder']),
    )
    .option('--dry-run', 'only say what would happen')
    .option('--report <file>', 'write all users who are not taken as they are, and why, as CSV')
    .action((options: Options) => importDjango(shell, options))
}

async function importDjango(shell: Shell, options: Options): Promise<void> {
  const { terminal } = shell
  // Loaded on demand: help needs none of it.
  const { problems } = await import('../features/django/index.ts')
  const report = options.report === undefined ? undefined : await openReport(options.report, problems)
  const { dryRun: isDryRun = false } = options
  const plan = await run(shell, options, async (planned) => report?.write(planned))
    .catch(async (error) => {
      await report?.discard()
      throw error
    })
    .finally(() => report?.close())
  terminal.show(options, asRecord(plan, isDryRun), () => asText(plan, problems, isDryRun))
  if (plan.isRefused) {
    throw new StartError(
      'Nothing is taken over, as some users cannot be: choose with --on-conflict skip or rename, and --missing-email, what becomes of them',
    )
  }
  if (plan.counts.leftOut > 0) shell.leavesSomeOut()
}

/** The report is written before the commit: without it, nothing tells which users were left out. */
async function run(shell: Shell, options: Options, report: (plan: ImportPlan) => Promise<void>): Promise<ImportPlan> {
  const [{ openDjangoSource }, { openBulkTransaction }] = await Promise.all([
    import('../platform/django-sources/open.ts'),
    import('../platform/database/bulk.ts'),
  ])
  const services = await shell.services()
  const operator = await shell.operator(options)
  const mapping = { ...(await readMapping(options.mapping)), ...options.map }
  const source = await openDjangoSource(sourceOf(shell, options), { table: options.table })
  const target = await openBulkTransaction(await shell.databaseUrl())
  try {
    const surroundings = { source, db: target.db, onProgress: createProgress(shell) }
    const { dryRun: isDryRun = false, onConflict, missingEmail, verified } = options
    const given = { mapping, isDryRun, onConflict, missingEmail, verified }
    const plan = await services.djangoImport.importUsers(surroundings, given, operator)
    await report(plan)
    if (!plan.isRefused && !isDryRun) await target.commit()
    return plan
  } finally {
    await Promise.all([source.close(), target.close()])
  }
}

function sourceOf(shell: Shell, { from: given }: Options): string {
  const source = given ?? shell.config().djangoTokens.databaseUrl
  if (source === undefined) throw new StartError('Name the source of the users with --from, or set DJANGO_DATABASE_URL')
  return source
}

async function readMapping(file: string | undefined): Promise<Readonly<Record<string, string>>> {
  if (file === undefined) return {}
  const refuse = (why: string) => new StartError(`The file of --mapping is refused: ${why}`)
  const text = await readFile(file, 'utf8').catch((error: Error) => Promise.reject(refuse(error.message)))
  try {
    const mapping = JSON.parse(text)
    if (Object.values(mapping).every((column) => typeof column === 'string')) return mapping
  } catch {
    // Said below, in the same words.
  }
  throw refuse('it must be JSON such as {"email": "mail"}')
}

const barWidth = 40

function createProgress({ terminal }: Shell) {
  return (step: string, portion?: number) => {
    const done = Math.round((portion ?? 0) * barWidth)
    const bar = portion === undefined ? '…' : `[${'#'.repeat(done).padEnd(barWidth)}] ${Math.floor(portion * 100)} %`
    terminal.progress(`${step} ${bar}`)
  }
}

function mapped(text: string, earlier: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const [, field, column] = /^(\w+)=(.+)$/s.exec(text) ?? []
  if (field === undefined || column === undefined) throw new InvalidArgumentError('It must be FIELD=COLUMN.')
  return { ...earlier, [field]: column }
}
