import { setTimeout as delay } from 'node:timers/promises'
import type { ImportPlan } from '../features/django/index.ts'
import { AuthError, StartError } from '../kernel/errors.ts'
import type { BulkTransaction } from '../platform/database/bulk.ts'
import { asLines, asRecord } from './import-report.ts'
import type { ImportCommandOptions } from './import-run.ts'
import { importAll, importUsers } from './import-run.ts'
import { sentenceOf } from './report.ts'
import type { Shell } from './shell.ts'
import { printable } from './text.ts'

/** Users who were left out are read again with whatever changes: an address that was in use may be free. Of so many at most. */
const mostAgain = 1000

/** Takes all users, and then in rounds what has changed, until the command is interrupted. */
export async function followDjango(
  shell: Shell,
  options: ImportCommandOptions,
  { url, table }: { readonly url: string; readonly table: string | undefined },
): Promise<void> {
  const [{ openFollowedSource }, { problems }] = await Promise.all([
    import('../platform/django-sources/open.ts'),
    import('../features/django/index.ts'),
  ])
  const { terminal, interruption } = shell
  const { now } = (await shell.services()).operations
  const leftOut = createLeftOut()
  const lock = createFollowerLock(shell)
  let since: Awaited<ReturnType<typeof openFollowedSource>>['mark'] | undefined
  let unchangedUntil = now()
  let failure: string | undefined

  async function takeAll(): Promise<void> {
    await lock.take()
    const plan = await importAll(shell, options, async () => {
      const source = await openFollowedSource(url, { table, since, again: [] })
      since = source.mark
      return source
    })
    leftOut.note(plan, [])
  }

  async function takeChanges(): Promise<void> {
    await lock.take()
    const begunAt = now()
    const again = leftOut.ids().slice(0, mostAgain)
    const source = await openFollowedSource(url, { table, since, again })
    try {
      if (source.hasRows) {
        // One user who cannot be taken does not keep the others waiting.
        const onConflict = options.onConflict === 'fail' ? 'skip' : options.onConflict
        const plan = await importUsers(shell, { ...options, onConflict }, async () => source, { unchangedUntil })
        tell(leftOut.note(plan, again))
      }
      since = source.mark
      unchangedUntil = begunAt
    } finally {
      await source.close()
    }
  }

  function tell(plan: ImportPlan): void {
    if (plan.counts.taken + plan.counts.updated + plan.deviations.length === 0) return
    const at = now()
    terminal.show(options, { at: at.toISOString(), ...asRecord(plan, false) }, () => asLines(plan, problems, at))
  }

  try {
    await takeAll()
    shell.endsByInterruption()
    while (!interruption.aborted) {
      await delay(options.every * 1000, undefined, { signal: interruption }).catch(() => undefined)
      if (interruption.aborted) break
      const reason = await takeChanges().then(() => undefined, reasonOf)
      if (reason !== failure) {
        terminal.note(
          `${now().toISOString()}  ${reason === undefined ? 'The import goes on' : `Tried again: ${reason}`}`,
        )
      }
      failure = reason
    }
  } finally {
    await lock.release()
  }
  if (leftOut.ids().length > 0) shell.leavesSomeOut()
}

/** In one line. */
function reasonOf(error: unknown): string {
  const isRefusal = error instanceof AuthError || error instanceof StartError
  return printable(isRefusal ? sentenceOf(error) : String((error as Error).message))
}

/** The users who are left out at present, each with the reason. */
function createLeftOut() {
  const problems = new Map<string, string | null>()
  return {
    ids: () => [...problems.keys()],
    /** Notes those of a round in which these were read again. Returns the plan with what has not been told yet. */
    note(plan: ImportPlan, again: readonly string[]): ImportPlan {
      const before = new Map(problems)
      for (const id of again) problems.delete(id)
      for (const { isLeftOut, djangoId, problem } of plan.deviations) if (isLeftOut) problems.set(djangoId, problem)
      const deviations = plan.deviations.filter(
        ({ isLeftOut, djangoId, problem }) => !isLeftOut || before.get(djangoId) !== problem,
      )
      const count = deviations.filter(({ isLeftOut }) => isLeftOut).length
      return { ...plan, deviations, counts: { ...plan.counts, leftOut: count } }
    },
  }
}

/** The lock of the one import that follows, held by a transaction. Where its connection breaks, another import may take it. */
function createFollowerLock(shell: Shell) {
  let held: BulkTransaction | undefined
  async function release(): Promise<void> {
    await held?.close().catch(() => undefined)
    held = undefined
  }
  return {
    release,
    /** Takes it, or makes sure that it is held. Throws a StartError when another import has it. */
    async take(): Promise<void> {
      const { openBulkTransaction } = await import('../platform/database/bulk.ts')
      const { djangoImport } = await shell.services()
      try {
        held ??= await openBulkTransaction(await shell.databaseUrl())
        if (await djangoImport.takeFollowerLock(held.db)) return
        throw new StartError('Another import follows Django already: end that one first')
      } catch (error) {
        await release()
        throw error
      }
    },
  }
}
