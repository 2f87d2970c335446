import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmod, lstat, rename, rm, stat } from 'node:fs/promises'
import type { Server } from 'node:http'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { hasCode, StartError } from '../../kernel/errors.ts'

/** The owner and the group of the process may connect: a proxy is given that group. */
const rights = 0o660

/** Listens at a path, which a server that was killed may have left behind. Node removes it when the server closes. */
export async function listenAtPath(server: Server, path: string): Promise<void> {
  await checkPath(path)
  if (!(await bind(server, path))) {
    await removeDead(path)
    if (!(await bind(server, path))) throw inUse(path)
  }
  await chmod(path, rights)
}

async function checkPath(path: string): Promise<void> {
  // For a folder that is not there, the system says that it may not be used.
  const folder = await stat(dirname(path)).catch(() => undefined)
  if (!folder?.isDirectory()) {
    throw new StartError(
      `The server cannot listen on PORT ${path}: there is no directory ${dirname(path)}. Make it first`,
    )
  }
  const there = await lstat(path).catch(() => undefined)
  if (there && !there.isSocket()) {
    throw new StartError(
      `The server cannot listen on PORT ${path}: it is a file and no socket. Set PORT to another path`,
    )
  }
}

/** Tells whether the path was free. */
async function bind(server: Server, path: string): Promise<boolean> {
  try {
    server.listen(path)
    await once(server, 'listening')
    return true
  } catch (cause) {
    if (hasCode(cause, 'EADDRINUSE')) return false
    const remedy = hasCode(cause, 'EACCES', 'EPERM', 'EROFS')
      ? `this account may not write to ${dirname(path)}. Give it that directory, or set PORT to another path`
      : (cause as Error).message
    throw new StartError(`The server cannot listen on PORT ${path}: ${remedy}`, { cause })
  }
}

/** Under another name first: of two servers that start at once, neither may remove what the other listens on already. */
async function removeDead(path: string): Promise<void> {
  if (await isAlive(path)) throw inUse(path)
  const aside = `${path}.${randomBytes(3).toString('hex')}`
  try {
    await rename(path, aside)
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return
    throw new StartError(
      `The server cannot listen on PORT ${path}: the socket that is there cannot be removed. Remove it`,
      { cause },
    )
  }
  if (await isAlive(aside)) {
    await rename(aside, path)
    throw inUse(path)
  }
  await rm(aside)
}

async function isAlive(path: string): Promise<boolean> {
  const socket = connect(path)
  try {
    await once(socket, 'connect')
    return true
  } catch (error) {
    // Anything else, such as a socket of another account, is a server that must not be disturbed.
    return !hasCode(error, 'ECONNREFUSED', 'ENOENT')
  } finally {
    socket.destroy()
  }
}

function inUse(path: string): StartError {
  return new StartError(
    `The server cannot listen on PORT ${path}: another program listens there. Stop that, or set PORT to another path`,
  )
}
