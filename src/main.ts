import { readFileSync } from 'node:fs'
import dotenv from 'dotenv'
import { hasCode, StartError } from './kernel/errors.ts'
import type { Logger } from './kernel/ports.ts'
import { readVersion } from './kernel/version.ts'
import { createLogger } from './platform/logger.ts'
import { createBanner } from './process/banner.ts'
import type { AuthServer } from './server.ts'
import type { Config } from './settings/config.ts'
import { ConfigError, readConfig } from './settings/config.ts'
import { isSettingName } from './settings/settings.ts'
import { isTracingVariable } from './settings/tracing.ts'
import { configWarnings } from './settings/warnings.ts'

/** A second signal ends the server at once, unless it is an echo: npm passes on a signal that the terminal has sent already. */
const echoMs = 1000

/** What `auth-server` does with the words behind it. */
export async function main(words: readonly string[]): Promise<void> {
  if (words.length === 0 || words.join(' ') === 'serve') return startServer()
  // Loaded on demand, which keeps the start of a server fast.
  const { runCommandLine } = await import('./command-line.ts')
  process.exit(await runCommandLine(words, { environment: process.env, readConfig: readSettings }))
}

/** Serves as one of several workers, for the primary process (cluster.ts). */
export async function runWorker(): Promise<void> {
  await import('./worker.ts')
}

/** Loads all that a server of one process is made of. */
export async function loadServer(): Promise<void> {
  await (await import('./server.ts')).loadCompositionRoot()
}

async function startServer(): Promise<void> {
  let server: AuthServer | undefined
  try {
    const config = readSettings()
    const logger = createLogger(config.logLevel)
    server = await createServer(config, logger)
    superviseProcess(server, logger)
    await serve(server, { config, logger })
  } catch (error) {
    report(error)
    await server?.stop()
    process.exit(1)
  }
}

/** What it loads is loaded on demand, as commands do without most of it. */
async function createServer(config: Config, logger: Logger): Promise<AuthServer> {
  if (config.workers === 1) return (await import('./server.ts')).createAuthServer(config, logger)
  return (await import('./cluster.ts')).createCluster(config, logger)
}

function readSettings(): Config {
  return readConfig(readEnvironment(), (path) => readFileSync(path, 'utf8'))
}

async function serve(server: AuthServer, { config, logger }: { config: Config; logger: Logger }): Promise<void> {
  for (const warning of configWarnings(config)) logger.warn({}, warning)
  if (config.server.port === 'systemd') expectHandedOver(process.env)
  const port = await server.start()
  const { describeDisagreement } = await import('./contracts/policy.ts')
  const disagreement = describeDisagreement(config)
  if (config.production) {
    if (disagreement !== undefined) logger.warn({}, disagreement)
    return logger.info({ port, version: readVersion() }, 'listening')
  }
  const { contracts } = await import('./contracts/index.ts')
  const served = contracts.filter(({ name }) => config.contracts.served.includes(name))
  console.log(createBanner({ config, port, served, contractsDisagree: disagreement !== undefined }))
}

/** The protocol of sd_listen_fds: the sockets are for the process that is named. */
function expectHandedOver({ LISTEN_PID, LISTEN_FDS }: NodeJS.ProcessEnv): void {
  if (LISTEN_PID === String(process.pid) && LISTEN_FDS === '1') return
  throw new StartError(
    'PORT is systemd, which has handed over no socket to this process, or several. Let one .socket unit start the server itself, not npm',
  )
}

/** The environment, with what .env adds to it. */
function readEnvironment(): NodeJS.ProcessEnv {
  const { parsed = {}, error } = dotenv.config({ quiet: true })
  if (error && !hasCode(error, 'ENOENT')) console.error(`The file .env is not read: ${error.message}`)
  for (const name of Object.keys(parsed)) {
    if (!isSettingName(name) && !isTracingVariable(name)) {
      console.error(`There is no setting ${name}, which .env gives; .env.example lists all settings`)
    }
  }
  return process.env
}

function superviseProcess(server: AuthServer, logger: Logger): void {
  let signalledAt: number | undefined
  let hasGivenUp = false

  async function stop(): Promise<void> {
    signalledAt = Date.now()
    await server.stop()
    process.exit(0)
  }

  /** Says why, once: what fails while the process ends is no news. */
  async function giveUp(say: () => void): Promise<void> {
    if (hasGivenUp) return
    hasGivenUp = true
    say()
    await server.kill().catch(() => undefined)
    process.exit(1)
  }

  // SIGHUP says that the terminal is gone, which ends a server that writes to one. Node resets what nohup set. SIGQUIT is Ctrl-\.
  const writesToTerminal = process.stdout.isTTY || process.stderr.isTTY
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const) {
    process.on(signal, () => {
      if (signal === 'SIGHUP' && !writesToTerminal)
        return logger.info({}, 'SIGHUP changes nothing, as no output goes to a terminal')
      if (signalledAt === undefined) {
        logger.info({ signal }, 'stopping')
        void stop()
      } else if (Date.now() - signalledAt > echoMs) void giveUp(() => undefined)
    })
  }
  for (const fault of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(fault, (error: unknown) => {
      void giveUp(() => logger.error({ error }, 'the process ends by a fault of ours'))
    })
  }
  void server.failed.then((error) => {
    void giveUp(() => report(error))
  })
}

/** A fault that the operator can remedy is printed as a message; a stack is printed for our own faults. */
function report(error: unknown): void {
  console.error(error instanceof ConfigError || error instanceof StartError ? error.message : error)
}
