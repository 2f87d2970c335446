import { readFile } from 'node:fs/promises'
import type { ImportOptions, ImportPlan } from '../features/django/index.ts'
import type { DjangoSource } from '../kernel/django-source.ts'
import { StartError } from '../kernel/errors.ts'
import { asRecord, asText, openReport } from './import-report.ts'
import type { ChangeOptions, Shell } from './shell.ts'

export interface ImportCommandOptions
  extends ChangeOptions,
    Pick<ImportOptions, 'onConflict' | 'missingEmail' | 'verified'> {
  readonly from?: string
  readonly table?: string
  readonly map: Readonly<Record<string, string>>
  readonly mapping?: string
  readonly dryRun?: boolean
  readonly report?: string
  readonly follow?: boolean
  /** In seconds. */
  readonly every: number
}

type OpenSource = () => Promise<DjangoSource>

/** Takes all users of the source, and says what happened. Throws a StartError when that is nothing. */
export async function importAll(shell: Shell, options: ImportCommandOptions, open: OpenSource): Promise<ImportPlan> {
  const { terminal } = shell
  // Loaded on demand: help needs none of it.
  const { problems } = await import('../features/django/index.ts')
  const report = options.report === undefined ? undefined : await openReport(options.report, problems)
  const { dryRun: isDryRun = false } = options
  const given = { onProgress: createProgress(shell), report: async (plan: ImportPlan) => report?.write(plan) }
  const plan = await importUsers(shell, options, open, given)
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
  return plan
}

interface Given {
  readonly onProgress?: (step: string, portion?: number) => void
  readonly report?: (plan: ImportPlan) => Promise<void>
  readonly unchangedUntil?: Date
}

/** Takes the users in one transaction. The report is written before the commit: without it, nothing tells which users were left out. */
export async function importUsers(
  shell: Shell,
  {
    map,
    mapping: file,
    dryRun: isDryRun = false,
    onConflict,
    missingEmail,
    verified,
    ...options
  }: ImportCommandOptions,
  open: OpenSource,
  { onProgress = () => undefined, report, unchangedUntil }: Given,
): Promise<ImportPlan> {
  const { openBulkTransaction } = await import('../platform/database/bulk.ts')
  const services = await shell.services()
  const operator = await shell.operator(options)
  const mapping = { ...(await readMapping(file)), ...map }
  const source = await open()
  const target = await openBulkTransaction(await shell.databaseUrl())
  try {
    const given = { mapping, isDryRun, onConflict, missingEmail, verified, unchangedUntil }
    const plan = await services.djangoImport.importUsers({ source, db: target.db, onProgress }, given, operator)
    await report?.(plan)
    if (!plan.isRefused && !isDryRun) await target.commit()
    return plan
  } finally {
    await Promise.all([source.close(), target.close()])
  }
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
