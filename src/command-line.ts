import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { access } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { CommanderError } from 'commander'
import { createProgram } from './commands/program.ts'
import { sentenceOf } from './commands/report.ts'
import type { OperatorOptions, Shell } from './commands/shell.ts'
import { createTerminal } from './commands/terminal.ts'
import { completeConfig } from './complete-config.ts'
import type { Caller } from './kernel/caller.ts'
import { AuthError, StartError } from './kernel/errors.ts'
import { withoutControlCharacters } from './kernel/schemas.ts'
import { readVersion } from './kernel/version.ts'
import { createLogger } from './platform/logger.ts'
import type { Config } from './settings/config.ts'
import { ConfigError } from './settings/config.ts'

interface Surroundings {
  readonly environment: NodeJS.ProcessEnv
  /** Throws a ConfigError. */
  readonly readConfig: () => Config
}

/** What a command leaves with: done, a fault, a refusal that has changed nothing, and done but for a part that it has named. */
const exitCodes = { done: 0, failed: 1, refused: 2, partlyDone: 3 } as const

/** How long the end of a command may take. */
const closingMs = 5000

/** Runs one command in this process and returns its exit code. Loaded for commands only, so that a server starts without it. */
export async function runCommandLine(words: readonly string[], surroundings: Surroundings): Promise<number> {
  const interruption = new AbortController()
  const terminal = createTerminal(process, interruption)
  const closers: (() => Promise<void>)[] = []
  let isEndedByInterruption = false
  const endsByInterruption = () => {
    isEndedByInterruption = true
  }
  let whenDone: number = exitCodes.done
  const leavesSomeOut = () => {
    whenDone = exitCodes.partlyDone
  }
  const shell = createShell(
    { terminal, interruption: interruption.signal, endsByInterruption, leavesSomeOut, ...surroundings },
    closers,
  )
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const) {
    process.on(signal, () => {
      if (interruption.signal.aborted) process.exit(exitCodes.failed)
      interruption.abort()
    })
  }
  const interrupted = once(interruption.signal, 'abort')
  try {
    const work = createProgram(shell).parseAsync(words, { from: 'user' })
    const isDone = await Promise.race([work.then(terminal.flush).then(() => true), interrupted.then(() => false)])
    if (isDone) return whenDone
    if (interruption.signal.reason === 'unread') return exitCodes.done
    if (!isEndedByInterruption) return exitCodes.failed
    await work
    return whenDone
  } catch (error) {
    if (error instanceof CommanderError && isAnswer(error)) {
      await terminal.flush()
      return exitCodes.done
    }
    if (error instanceof CommanderError) return exitCodes.refused
    const isRefusal = error instanceof AuthError || error instanceof StartError || error instanceof ConfigError
    if (isRefusal) terminal.note(error instanceof ConfigError ? error.message : sentenceOf(error))
    else if (await isDatabaseUnavailable(error))
      terminal.note(`The database does not answer: ${(error as Error).message}`)
    else terminal.note((error instanceof Error && error.stack) || String(error))
    return isRefusal ? exitCodes.refused : exitCodes.failed
  } finally {
    const closing = (async () => {
      for (const close of closers.reverse()) await close()
    })()
    await Promise.race([closing, delay(closingMs)])
  }
}

/** Loaded with the rest of the server by most commands, and not by help. */
async function isDatabaseUnavailable(error: unknown): Promise<boolean> {
  return (await import('./platform/database/unavailability.ts')).isDatabaseUnavailable(error)
}

/** The help and the version, which commander throws as well. */
function isAnswer({ exitCode }: CommanderError): boolean {
  return exitCode === 0
}

type Given = Surroundings & Pick<Shell, 'terminal' | 'interruption' | 'endsByInterruption' | 'leavesSomeOut'>

function createShell({ readConfig, ...given }: Given, closers: (() => Promise<void>)[]): Shell {
  const config = onlyOnce(readConfig)
  const keys = onlyOnce(() => completeConfig(config()))

  const databaseUrl = onlyOnce(async ({ isMade = false }: { isMade?: boolean } = {}) => {
    const { url, dataDir } = config().database
    if (url !== undefined) return url
    if (!isMade) await access(join(dataDir, 'postgres')).catch(() => refuseWithoutDatabase(dataDir))
    const { openEmbeddedPostgres } = await import('./embedded-postgres/open.ts')
    const { embeddedPostgresOptions } = await import('./provide-database.ts')
    const postgres = await openEmbeddedPostgres(embeddedPostgresOptions(config()))
    closers.push(postgres.stop)
    return postgres.url
  })

  const services = onlyOnce(async () => {
    const [{ createCompositionRoot }, { planMigrations }, url] = await Promise.all([
      import('./composition-root.ts'),
      import('./platform/database/migrations.ts'),
      databaseUrl(),
    ])
    const pending = await planMigrations({ url })
    if (pending.length > 0) {
      throw new StartError(
        'The database is not up to date: run auth-server migrate, or start the server, which does the same',
      )
    }
    const root = await createCompositionRoot(withoutServing(await keys()), {
      databaseUrl: url,
      logger: createLogger('silent'),
    })
    closers.push(root.close)
    return root.services
  })

  return {
    ...given,
    config,
    completeConfig: keys,
    databaseUrl,
    services,
    operator: (options) => operatorOf(config(), options),
  }
}

function refuseWithoutDatabase(dataDir: string): never {
  throw new StartError(
    `There is no database in DATA_DIR (${resolve(dataDir)}): run auth-server migrate to make one, or set DATA_DIR or DATABASE_URL`,
  )
}

/** A command answers no requests, and takes few of the connections that the servers need. */
function withoutServing<Given extends Config>(config: Given): Given {
  return {
    ...config,
    server: { ...config.server, redisUrl: undefined },
    metrics: { ...config.metrics, port: undefined },
    traces: false,
    database: { ...config.database, poolSize: 2 },
  }
}

const longestName = 64

/** The operator as the caller of services: on this machine, by the policy of our own API, or of the first that is served. */
async function operatorOf(config: Config, { as: name }: OperatorOptions): Promise<Caller> {
  const [{ contracts }, { contractPolicy }] = await Promise.all([
    import('./contracts/index.ts'),
    import('./contracts/policy.ts'),
  ])
  const served = contracts.filter((contract) => config.contracts.served.includes(contract.name))
  const contract = served.find((each) => each.name === 'v1') ?? served[0]
  if (!contract) throw new StartError('No contract is served: add one to CONTRACTS')
  const operator = name ?? systemUser()
  if (operator === '' || operator.length > longestName || withoutControlCharacters(operator) !== operator) {
    throw new StartError(`--as needs a name of 1 to ${longestName} characters, without control characters`)
  }
  return {
    requestId: randomUUID(),
    ip: '127.0.0.1',
    network: '127.0.0.1',
    userAgent: `auth-server ${readVersion()}`,
    bearer: undefined,
    device: undefined,
    policy: contractPolicy(contract, config),
    operator,
  }
}

function systemUser(): string {
  try {
    return userInfo().username
  } catch {
    // A container may run as an id that has no name.
    return `uid ${process.getuid?.()}`
  }
}

/** The result of the first call, for all calls. */
function onlyOnce<Arguments extends unknown[], Result>(
  work: (...given: Arguments) => Result,
): (...given: Arguments) => Result {
  let known: { readonly result: Result } | undefined
  return (...given) => {
    known ??= { result: work(...given) }
    return known.result
  }
}
