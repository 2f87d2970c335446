import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { hasCode } from '../../src/kernel/errors.ts'
import type { Account } from './process.ts'

/** A program of the machine that runs beside the tests. */
export interface Program {
  readonly signal: (signal: NodeJS.Signals) => void
  /** Ends it at once and resolves when it is gone. */
  readonly kill: () => Promise<void>
}

interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<unknown>
}

const running = new Set<Running>()

/** Runs a program of the Debian package of the same name, with these variables beside the usual ones. */
export async function startProgram(
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  account: Account = {},
): Promise<Program> {
  const child = spawn(name, args, {
    ...account,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, ...env },
  })
  const entry = { child, ended: once(child, 'close') }
  await once(child, 'spawn').catch((error: unknown) => {
    throw hasCode(error, 'ENOENT') ? new Error(`these tests need ${name}: apt-get install ${name}`) : error
  })
  running.add(entry)
  return {
    signal: (signal) => child.kill(signal),
    kill: () => end(entry),
  }
}

async function end(entry: Running): Promise<void> {
  running.delete(entry)
  // A stopped process takes no other signal than these.
  entry.child.kill('SIGKILL')
  await entry.ended
}

export async function endPrograms(): Promise<void> {
  await Promise.all([...running].map(end))
}

/** A free port of the loopback. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
