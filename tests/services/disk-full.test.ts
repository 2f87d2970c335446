import { execFileSync } from 'node:child_process'
import { chmod, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exchange } from '../support/exchange.ts'
import { survive } from '../support/fault-round.ts'
import { randomUser } from '../support/fixtures.ts'
import type { PrivatePostgres } from '../support/private-postgres.ts'
import { startPrivatePostgres } from '../support/private-postgres.ts'
import type { TestServer } from '../support/server.ts'
import { startServer } from '../support/server.ts'

const rounds = Number(process.env.FAULT_ROUNDS ?? 1)

let folder: string
let postgres: PrivatePostgres
let server: TestServer
const asRoot = process.getuid?.() === 0 ? [] : ['sudo', '-n']

function runAsRoot(...command: string[]): void {
  const [program = '', ...args] = [...asRoot, ...command]
  execFileSync(program, args)
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'small-disk-'))
  runAsRoot('mount', '-t', 'tmpfs', '-o', `size=160m,mode=711,uid=${process.getuid?.()}`, 'tmpfs', folder)
  postgres = await startPrivatePostgres(
    { max_wal_size: '32MB', min_wal_size: '32MB', autovacuum: 'off' },
    join(folder, 'data'),
  )
  server = await startServer({ DATABASE_URL: postgres.url }, { databaseLimits: {} })
})
afterAll(async () => {
  await server.close()
  await postgres.end()
  runAsRoot('umount', folder)
  await rm(folder, { recursive: true, force: true })
})

/** Fills the disk to the last byte; returns how to make room again. */
async function fillDisk(): Promise<() => Promise<void>> {
  const path = join(folder, 'ballast')
  const file = await open(path, 'w')
  await chmod(path, 0o600)
  for (let size = 1 << 20; size >= 1; size >>= 1) {
    for (;;) {
      const written = await file.write(Buffer.alloc(size, 'x')).catch(() => undefined)
      if (!written) break
    }
  }
  await file.close()
  return () => rm(path)
}

/** So that the files of the tables have to grow with the next rows. */
async function useFreeSpace(): Promise<void> {
  for (let tries = 0; tries < 400; tries += 1) {
    const { status } = await server.send('POST', '/register_credentials', { body: randomUser() })
    if (status === 503) return
  }
  throw new Error('the disk is never full')
}

describe('a PostgreSQL whose disk is full', () => {
  it(
    'makes what writes 503 and the server not ready, and is used again once there is room',
    async () => {
      for (let round = 0; round < rounds; round += 1) {
        await survive(server, {
          serves: true,
          ready: false,
          async begin() {
            const makeRoom = await fillDisk()
            await useFreeSpace()
            expect((await exchange(server.url, '/readyz')).body.problem).toBe('the disk of the database is full')
            return makeRoom
          },
        })
        expect((await exchange(server.url, '/readyz')).status).toBe(200)
      }
    },
    60_000 + rounds * 60_000,
  )
})
