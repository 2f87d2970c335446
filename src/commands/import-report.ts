import { open, rm } from 'node:fs/promises'
import type { ImportPlan } from '../features/django/index.ts'
import { StartError } from '../kernel/errors.ts'
import { asList, asTable, printable } from './text.ts'

type Deviation = ImportPlan['deviations'][number]
type Reasons = Readonly<Record<NonNullable<Deviation['problem']>, string>>

const mostShown = 20

/** What an import has done, or would do, as text for people. */
export function asText({ counts, deviations, isRefused }: ImportPlan, reasons: Reasons, isDryRun: boolean): string {
  const renamed = deviations.filter(({ renamedTo }) => renamedTo !== null).length
  const summary = asList({
    [isRefused ? 'could be taken over' : isDryRun ? 'would be taken over' : 'taken over']: counts.taken,
    [isRefused ? 'could be updated' : isDryRun ? 'would be updated' : 'updated']: counts.updated,
    unchanged: counts.unchanged,
    'left out': counts.leftOut,
    'with another username': renamed,
    'with altered fields': deviations.filter(({ altered, isLeftOut }) => altered !== '' && !isLeftOut).length,
  })
  if (deviations.length === 0) return summary
  const shown = deviations.slice(0, mostShown).map((each) => Object.values(asRow(each, reasons)))
  const more = deviations.length - shown.length
  const table = asTable(['ID', 'USERNAME', 'ADDRESS', 'OUTCOME', 'REASON'], shown, '')
  return `${summary}\n\n${table}${more > 0 ? `\n… and ${more} more: --report FILE lists them all` : ''}`
}

/** What a round of a followed import has changed, in a line; and a line for each user who is not taken as Django has it. */
export function asLines({ counts, deviations }: ImportPlan, reasons: Reasons, at: Date): string {
  const { taken, updated, leftOut } = counts
  const shown = deviations.slice(0, mostShown).map((each) => {
    const { djangoId, username, email, outcome, reason } = asRow(each, reasons)
    return printable(`  ${djangoId}  ${username}  ${email}  ${outcome}: ${reason}`)
  })
  const more = deviations.length - shown.length
  const lines = [`${at.toISOString()}  ${taken} new, ${updated} updated, ${leftOut} left out`, ...shown]
  return [...lines, ...(more > 0 ? [`  … and ${more} more`] : [])].join('\n')
}

/** As JSON for machines. */
export function asRecord({ counts, deviations, isRefused }: ImportPlan, isDryRun: boolean) {
  return {
    dry_run: isDryRun,
    taken: isRefused ? 0 : counts.taken,
    updated: isRefused ? 0 : counts.updated,
    unchanged: counts.unchanged,
    left_out: counts.leftOut,
    refused: isRefused,
    deviations: deviations.map(({ djangoId, username, email, problem, isLeftOut, renamedTo, altered }) => ({
      django_id: djangoId,
      username,
      email,
      problem,
      left_out: isLeftOut,
      renamed_to: renamedTo,
      altered_fields: altered === '' ? [] : altered.split(' '),
    })),
  }
}

/** All users who are not taken as Django has them, as CSV that only the operator can read. Made first, as an import cannot be taken back. */
export async function openReport(file: string, reasons: Reasons) {
  // A file that is there may be the source, or the report of an earlier import.
  const handle = await open(file, 'wx', 0o600).catch((cause: Error) => {
    throw new StartError(`The report cannot be written: ${cause.message}. Name another file with --report`, { cause })
  })
  return {
    async write({ deviations }: ImportPlan): Promise<void> {
      const rows = deviations.map((each) => Object.values(asRow(each, reasons)).map(asCell).join(','))
      await handle.writeFile(`${['django_id,username,email,outcome,reason', ...rows].join('\r\n')}\r\n`)
    },
    close: () => handle.close(),
    /** Removes it, as it tells of an import that has failed. */
    discard: () => rm(file, { force: true }),
  }
}

function asRow({ djangoId, username, email, problem, isLeftOut, renamedTo, altered }: Deviation, reasons: Reasons) {
  const taken = renamedTo === null ? 'taken' : `renamed to ${renamedTo}`
  const why = [...(problem === null ? [] : [reasons[problem]]), ...(altered === '' ? [] : [`altered: ${altered}`])]
  return { djangoId, username, email, outcome: isLeftOut ? 'left out' : taken, reason: why.join('; ') }
}

/** A spreadsheet takes a text that begins with one of these signs for a formula. */
const formula = /^[=+\-@\t\r]/

function asCell(value: string): string {
  const text = formula.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
