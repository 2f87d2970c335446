import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import dotenv from 'dotenv'
import { hasCode, StartError } from './kernel/errors.ts'
import type { ContractName } from './kernel/policy.ts'
import { contractNames } from './kernel/policy.ts'
import type { Logger } from './kernel/ports.ts'
import { readVersion } from './kernel/version.ts'
import { createLogger } from './platform/logger.ts'
import { createBanner } from './process/banner.ts'
import type { AuthServer } from './server.ts'
import { completeConfig, createAuthServer } from './server.ts'
import type { Config } from './settings/config.ts'
import { ConfigError, readConfig } from './settings/config.ts'
import { isSettingName } from './settings/settings.ts'
import { configWarnings } from './settings/warnings.ts'

const usage = `Usage: node dist/start.cjs [command]

Commands:
  serve      run the server (when no command is given)
  migrate    bring the database up to date and end
  openapi    print the OpenAPI document of a contract: ${contractNames.join(', ')} (v1 when none is named)
  access-token-key
             print the keys that verify access tokens, one a line, the one that signs first: for services that verify them

Options:
  --help     show this
  --version  show the version

The settings are environment variables or lines of a file .env; .env.example lists them all.
`

/** A second signal ends the server at once, unless it is an echo: npm passes on a signal that the terminal has sent already. */
const echoMs = 1000

/** The time that an immediate end allows PostgreSQL. */
const killDelayMs = 12_000

async function main(): Promise<void> {
  const [command, contract] = readCommand()
  let server: AuthServer | undefined
  try {
    const config = readConfig(readEnvironment(), (path) => readFileSync(path, 'utf8'))
    if (command === 'openapi') return await printDocument(config, contract)
    if (command === 'access-token-key') return await printAccessTokenKeys(config)
    const logger = createLogger(config.logLevel)
    server = createAuthServer(config, logger)
    superviseProcess(server, logger, command)
    if (command === 'migrate') await migrate(server)
    else await serve(server, { config, logger })
  } catch (error) {
    report(error)
    await server?.stop()
    process.exit(1)
  }
}

/** Loaded on demand, which keeps the start of a server fast. */
async function printDocument(config: Config, contract: ContractName): Promise<void> {
  const { createDocuments } = await import('./contracts/documents.ts')
  const document = createDocuments(config)(contract)
  if (!document) throw new StartError(`${contract} is not served: add it to CONTRACTS`)
  process.stdout.write(`${JSON.stringify(document, null, 2)}\n`)
}

async function printAccessTokenKeys(config: Config): Promise<void> {
  const { accessTokenKeys } = await completeConfig(config)
  process.stdout.write(`${accessTokenKeys.join('\n')}\n`)
}

async function migrate(server: AuthServer): Promise<void> {
  const applied = await server.migrate()
  for (const name of applied) console.log(`applied ${name}`)
  console.log('The database is up to date.')
  await server.stop()
}

async function serve(server: AuthServer, { config, logger }: { config: Config; logger: Logger }): Promise<void> {
  for (const warning of configWarnings(config)) logger.warn({}, warning)
  if (config.server.port === 'systemd') expectHandedOver(process.env)
  const port = await server.start()
  const { describeDisagreement } = await import('./contracts/policy.ts')
  const disagreement = describeDisagreement(config)
  if (disagreement !== undefined) logger.warn({}, disagreement)
  if (config.production) return logger.info({ port, version: readVersion() }, 'listening')
  const { contracts } = await import('./contracts/index.ts')
  const served = contracts.filter(({ name }) => config.contracts.served.includes(name))
  console.log(createBanner({ config, port, served, disagreement }))
}

/** The protocol of sd_listen_fds: the sockets are for the process that is named. */
function expectHandedOver({ LISTEN_PID, LISTEN_FDS }: NodeJS.ProcessEnv): void {
  if (LISTEN_PID === String(process.pid) && LISTEN_FDS === '1') return
  throw new StartError(
    'PORT is systemd, which has handed over no socket to this process, or several. Let one .socket unit start node itself, not npm',
  )
}

const soleCommands = ['serve', 'migrate', 'access-token-key'] as const

function readCommand(): [(typeof soleCommands)[number] | 'openapi', ContractName] {
  const options = { help: { type: 'boolean', short: 'h' }, version: { type: 'boolean' } } as const
  try {
    const { values, positionals } = parseArgs({ options, allowPositionals: true })
    const [command = 'serve', ...more] = positionals
    if (values.help) end(usage)
    if (values.version) end(`${readVersion()}\n`)
    const sole = soleCommands.find((name) => name === command)
    if (sole && more.length === 0) return [sole, 'v1']
    const contract = contractNames.find((name) => name === (more[0] ?? 'v1'))
    if (command === 'openapi' && contract && more.length <= 1) return [command, contract]
    throw new Error(`Unknown command: ${positionals.join(' ')}`)
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${usage}`)
    process.exit(2)
  }
}

function end(text: string): never {
  process.stdout.write(text)
  process.exit(0)
}

/** The environment, with what .env adds to it. */
function readEnvironment(): NodeJS.ProcessEnv {
  const { parsed = {}, error } = dotenv.config({ quiet: true })
  if (error && !hasCode(error, 'ENOENT')) console.error(`The file .env is not read: ${error.message}`)
  for (const name of Object.keys(parsed)) {
    if (!isSettingName(name)) {
      console.error(`There is no setting ${name}, which .env gives; .env.example lists all settings`)
    }
  }
  return process.env
}

function superviseProcess(server: AuthServer, logger: Logger, command: 'serve' | 'migrate'): void {
  let signalledAt: number | undefined
  // The command after the migration must not run.
  const interrupted = command === 'migrate' ? 1 : 0

  async function stop(): Promise<void> {
    signalledAt = Date.now()
    await server.stop()
    process.exit(interrupted)
  }

  async function giveUp(): Promise<void> {
    setTimeout(() => process.exit(1), killDelayMs)
    await server.kill()
    process.exit(1)
  }

  // SIGHUP says that the terminal is gone, which ends a server that writes to one. Node resets what nohup set. SIGQUIT is Ctrl-\.
  const writesToTerminal = process.stdout.isTTY || process.stderr.isTTY
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const) {
    process.on(signal, () => {
      if (signal === 'SIGHUP' && !writesToTerminal)
        return logger.info({}, 'SIGHUP changes nothing, as no output goes to a terminal')
      if (signalledAt === undefined) void stop()
      else if (Date.now() - signalledAt > echoMs) void giveUp()
    })
  }
  for (const fault of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(fault, (error: unknown) => {
      logger.error({ error }, 'the process ends by a fault of ours')
      void giveUp()
    })
  }
  void server.failed.then((error) => {
    report(error)
    void giveUp()
  })
}

/** A fault that the operator can remedy is printed as a message; a stack is printed for our own faults. */
function report(error: unknown): void {
  console.error(error instanceof ConfigError || error instanceof StartError ? error.message : error)
}

await main()
