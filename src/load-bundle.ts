import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire, wrap } from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Script } from 'node:vm'
import { nameLinesOfSource } from './stack-lines.ts'

type Server = typeof import('./main.ts')

const file = fileURLToPath(new URL('server.cjs', import.meta.url))
const cacheFile = fileURLToPath(new URL('server.code-cache', import.meta.url))
const hashBytes = 32

/** Runs the built server. Functions that V8 compiled during the build are not compiled again. */
export function loadBundle(): Server {
  return runBundle().server
}

/** Writes the functions that are compiled when the work is done. V8 takes them in its same version with the same flags. */
export async function writeCodeCache(work: (server: Server) => Promise<unknown>): Promise<void> {
  const { server, script, hash } = runBundle()
  await work(server)
  writeFileSync(cacheFile, Buffer.concat([hash, script.createCachedData()]))
}

function runBundle(): { server: Server; script: Script; hash: Buffer } {
  nameLinesOfSource(file)
  const bytes = readFileSync(file)
  const hash = createHash('sha256').update(bytes).digest()
  // esbuild writes ASCII only, and this is the fastest way to read it.
  const script = new Script(wrap(bytes.toString('latin1')), { filename: file, cachedData: readCodeCache(hash) })
  const module = { exports: {} as Server }
  script.runInThisContext()(module.exports, createRequire(file), module, file, dirname(file))
  return { server: module.exports, script, hash }
}

/** The cache of exactly these bytes: V8 itself compares their number alone. */
function readCodeCache(hash: Buffer): Buffer | undefined {
  try {
    const bytes = readFileSync(cacheFile)
    return bytes.subarray(0, hashBytes).equals(hash) ? bytes.subarray(hashBytes) : undefined
  } catch {
    // A start without it takes longer.
    return undefined
  }
}
