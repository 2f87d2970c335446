import { mkdir, mkdtemp, realpath, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDataDir } from '../../src/platform/data-dir.ts'
import { lockDataDir } from '../../src/platform/data-dir-lock.ts'

let folder: string
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'data-dir-')))
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

describe('openDataDir', () => {
  it('makes the directory with those above it, once', async () => {
    const dataDir = join(folder, 'not', 'there')
    expect(await openDataDir(dataDir)).toBe(dataDir)
    expect((await stat(dataDir)).mode & 0o066).toBe(0)
    expect(await openDataDir(dataDir)).toBe(dataDir)
  })

  it('makes it when several start at once', async () => {
    const dataDir = join(folder, 'not', 'there')
    expect(new Set(await Promise.all(Array.from({ length: 5 }, () => openDataDir(dataDir))))).toEqual(
      new Set([dataDir]),
    )
  })

  // Node's own recursive mkdir never returned.
  it('says what is wrong with a place where nothing can be made', async () => {
    await expect(openDataDir('/proc/auth-server/data')).rejects.toThrow(
      /^DATA_DIR \(\/proc\/auth-server\/data\) cannot be written: .* or set DATA_DIR to another directory$/,
    )
  })

  it.each(['file', 'file/data'])('says what is wrong with a path that leads to a file: %s', async (path) => {
    await writeFile(join(folder, 'file'), '')
    await expect(openDataDir(join(folder, path))).rejects.toThrow(/cannot be written: (ENOTDIR|EACCES)/)
  })
})

describe('lockDataDir', () => {
  it.each([
    ['a short path', 'data'],
    ['a path longer than that of a socket may be', 'x'.repeat(120)],
  ])('keeps others out of %s until it is released', async (_name, name) => {
    const dataDir = join(folder, name)
    await mkdir(dataDir)
    const first = await lockDataDir(dataDir)
    await expect(lockDataDir(dataDir)).rejects.toThrow(`Another server (process ${process.pid}) is using DATA_DIR`)
    await first.release()
    const second = await lockDataDir(dataDir)
    await second.release()
  })

  // When the lock depended on the working directory, two servers that were started in different ones both got it.
  it('keeps others out of a directory with a long path, whatever directory they were started in', async () => {
    const dataDir = join(folder, 'x'.repeat(120))
    await mkdir(dataDir)
    const before = process.cwd()
    const first = await lockDataDir(dataDir)
    try {
      process.chdir(dataDir)
      await expect(lockDataDir(dataDir)).rejects.toThrow('Another server')
    } finally {
      process.chdir(before)
      await first.release()
    }
  })
})
