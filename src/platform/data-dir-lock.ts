import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { rm, stat } from 'node:fs/promises'
import type { Server } from 'node:net'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { hasCode, StartError } from '../kernel/errors.ts'

export interface DataDirLock {
  readonly release: () => Promise<void>
}

/**
 * Keeps other servers out of the directory for as long as this process lives: a socket that a process listens on, which ends
 * with its process however that ends. Throws a StartError when another server has it.
 */
export async function lockDataDir(dataDir: string): Promise<DataDirLock> {
  const address = socketAddress(dataDir)
  const first = await listen(address)
  if (first) return heldBy(first)

  const holder = await whoListens(address)
  if (holder !== undefined) throw inUse(dataDir, holder)
  await rm(address, { force: true })
  const second = await listen(address)
  if (!second) throw inUse(dataDir, '')
  // Not closed then: closing would remove the other's socket.
  second.unref()
  if (await wasReplaced(address)) throw inUse(dataDir, '')
  return heldBy(second)
}

/** Whether a server has the directory now. */
export async function isDataDirLocked(dataDir: string): Promise<boolean> {
  return (await whoListens(socketAddress(dataDir))) !== undefined
}

function heldBy(server: Server): DataDirLock {
  // A lock must not keep the process alive.
  server.unref()
  return {
    release: async () => {
      server.close()
      await once(server, 'close')
    },
  }
}

/**
 * The path of a socket holds about a hundred bytes. A longer one gets the same substitute in every process, whatever its
 * working directory and environment.
 */
function socketAddress(dataDir: string): string {
  const path = join(dataDir, 'server.lock')
  if (Buffer.byteLength(path) <= 100) return path
  return `/tmp/auth-server-${createHash('sha256').update(dataDir).digest('hex').slice(0, 32)}.lock`
}

/** Undefined: another process listens there, or did. */
async function listen(address: string): Promise<Server | undefined> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined).end(String(process.pid))
  })
  try {
    server.listen(address)
    await once(server, 'listening')
    return server
  } catch (error) {
    if (hasCode(error, 'EADDRINUSE')) return undefined
    throw new StartError(`DATA_DIR cannot be locked with ${address}: ${(error as Error).message}`, { cause: error })
  }
}

/** The process id of the server that listens, as far as it tells; undefined when none does. */
async function whoListens(address: string): Promise<string | undefined> {
  const socket = connect(address)
  let told = ''
  socket.setEncoding('utf8').on('data', (text: string) => {
    told += text
  })
  socket.setTimeout(1000, () => socket.destroy())
  try {
    await once(socket, 'connect')
    await once(socket, 'close')
    return told
  } catch (error) {
    // Anything else, such as a socket of another account, is a server that we must not disturb.
    return hasCode(error, 'ECONNREFUSED', 'ENOENT') ? undefined : told
  } finally {
    socket.destroy()
  }
}

/** Two processes that find the same abandoned lock may both remove it; the second then removes the new lock of the first. */
async function wasReplaced(address: string): Promise<boolean> {
  const mine = await stat(address)
  await delay(100)
  const now = await stat(address).catch(() => undefined)
  return now?.ino !== mine.ino
}

function inUse(dataDir: string, holder: string): StartError {
  const name = /^\d+$/.test(holder) ? ` (process ${holder})` : ''
  return new StartError(
    `Another server${name} is using DATA_DIR (${dataDir}). Stop it, or set DATA_DIR to another directory`,
  )
}
