import type { Command } from 'commander'
import type { Features } from '../features/composition.ts'
import type { Caller } from '../kernel/caller.ts'
import type { CompleteConfig, Config } from '../settings/config.ts'
import type { Terminal } from './terminal.ts'

/** The surroundings of a command. Each part is opened when it is first asked for, and closed when the command ends. */
export interface Shell {
  readonly terminal: Terminal
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Aborted when the command has to end before it is done. */
  readonly interruption: AbortSignal
  /** From now on an interruption is how the command ends, and no failure: it finishes what it has begun. */
  readonly endsByInterruption: () => void
  /** The command has left out a part, which it has named: its exit code says so. */
  readonly leavesSomeOut: () => void
  readonly config: () => Config
  readonly completeConfig: () => Promise<CompleteConfig>
  /** The address of the database. The embedded PostgreSQL is made where there is none yet only for `isMade`. */
  readonly databaseUrl: (options?: { readonly isMade?: boolean }) => Promise<string>
  /** The services of the features over the database, which has all migrations. */
  readonly services: () => Promise<Features>
  /** The operator, who is the caller of what the command changes. */
  readonly operator: (options: OperatorOptions) => Promise<Caller>
}

export interface JsonOption {
  readonly json?: boolean
}

export interface OperatorOptions {
  readonly as?: string
}

export type ChangeOptions = JsonOption & OperatorOptions

interface Description {
  readonly summary: string
  /** Calls without the name of the program, shown by --help. */
  readonly examples: readonly string[]
}

export function addCommand(parent: Command, usage: string, { summary, examples }: Description): Command {
  return parent
    .command(usage)
    .description(summary)
    .addHelpText('after', `\nExamples:\n${examples.map((call) => `  auth-server ${call}`).join('\n')}`)
}

/** A command that changes nothing. */
export function addQuery(parent: Command, usage: string, description: Description): Command {
  return addCommand(parent, usage, description).option('--json', 'print JSON for machines')
}

/** A command whose changes are recorded with the name of the operator. */
export function addChange(parent: Command, usage: string, description: Description): Command {
  return addQuery(parent, usage, description).option(
    '--as <name>',
    'the name of the operator in the audit trail (default: the user of the system)',
  )
}
