import { randomBytes } from 'node:crypto'
import { access, chmod, chown, constants, link, mkdir, open, readFile, realpath, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { hasCode, StartError } from '../kernel/errors.ts'

/** Makes the directory when it is missing and returns its real path. Throws a StartError when it cannot be used. */
export async function openDataDir(dataDir: string): Promise<string> {
  try {
    const made = await makeFolder(dataDir)
    const path = await realpath(dataDir)
    // Root's PostgreSQL runs as another account, which has to pass through; each file in it has permissions of its own.
    if (made && process.getuid?.() === 0) await chmod(path, 0o711)
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK)
    // Even root cannot write everywhere, and access() does not tell for every kind of file system.
    const probe = join(path, `probe-${randomBytes(6).toString('hex')}`)
    await writeNew(probe, '')
    await rm(probe)
    return path
  } catch (cause) {
    throw new StartError(
      `DATA_DIR (${dataDir}) cannot be written: ${(cause as Error).message}. ` +
        'Give it to the account that runs the server, or set DATA_DIR to another directory',
      { cause },
    )
  }
}

/** Says whether it made the folder. Node's own `recursive` never ends where an existing parent is reported as missing, as in /proc. */
async function makeFolder(path: string): Promise<boolean> {
  if (await exists(path)) return false
  await makeFolder(dirname(path))
  try {
    await mkdir(path, { mode: 0o700 })
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
}

/** A secret of 384 random bits, kept in a file that only its owner can read. */
export async function readOrCreateSecret(dataDir: string, name: string): Promise<string> {
  const file = join(dataDir, name)
  const draft = `${file}.${randomBytes(6).toString('hex')}`
  try {
    return await readSecret(file)
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw unreadable(file, error)
  }
  try {
    await writeNew(draft, randomBytes(48).toString('base64url'))
    const { uid, gid } = await stat(dataDir)
    // As root, for the ordinary user whose directory it is.
    if (process.getuid?.() === 0) await chown(draft, uid, gid)
    // Of two processes that start at once, the first one's secret stays; the file is never incomplete.
    await link(draft, file).catch((error: unknown) => {
      if (!hasCode(error, 'EEXIST')) throw error
    })
    return await readSecret(file)
  } catch (error) {
    throw unreadable(file, error)
  } finally {
    await rm(draft, { force: true })
  }
}

async function readSecret(file: string): Promise<string> {
  const secret = (await readFile(file, 'utf8')).trim()
  if (secret.length < 32) throw new Error('it is shorter than 32 characters')
  return secret
}

function unreadable(file: string, cause: unknown): StartError {
  return new StartError(
    `The key file ${file} cannot be used: ${(cause as Error).message}. Restore it, or remove it together with all that is in DATA_DIR`,
    { cause },
  )
}

/** Writes a file that must not exist yet, for its owner alone, down to the disk. */
export async function writeNew(file: string, content: string): Promise<void> {
  const handle = await open(file, 'wx', 0o600)
  try {
    await handle.writeFile(content)
    await handle.sync()
  } finally {
    await handle.close()
  }
}
