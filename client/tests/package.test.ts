import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { givenUser } from '../../tests/support/fixtures.ts'
import { openGateway } from '../../tests/support/gateway.ts'
import { withServer } from '../../tests/support/server.ts'

/** The client in one file, as bundlers make it. */
async function bundle(): Promise<string> {
  const entry = fileURLToPath(new URL('../src/index.ts', import.meta.url))
  const options = { bundle: true, minify: true, format: 'esm', target: 'es2022', write: false } as const
  const { outputFiles } = await build({ ...options, entryPoints: [entry] })
  return outputFiles[0]?.text ?? ''
}

it('is smaller than 5 kB, minified and compressed', async () => {
  const size = gzipSync(await bundle()).length
  expect(size).toBeGreaterThan(1000)
  expect(size).toBeLessThan(5000)
})

it('has no dependency at run time', async () => {
  const text = await readFile(new URL('../package.json', import.meta.url), 'utf8')
  expect(Object.keys(JSON.parse(text))).not.toContain('dependencies')
})

it.each([
  ['cookie', 'memory'],
  ['body', 'memory'],
  ['body', 'local'],
])('keeps no Node process alive: transport %s, storage %s', async (transport, storage) => {
  const folder = await mkdtemp(join(tmpdir(), 'client-'))
  await withServer({}, async (server) => {
    const { username, password } = await givenUser(server)
    await writeFile(join(folder, 'client.mjs'), await bundle())
    const program = `import { createAuthClient } from './client.mjs'
      const client = createAuthClient(${JSON.stringify({ baseUrl: server.url, transport, storage })})
      client.onChange(({ status }) => console.log(status))
      await client.logIn(${JSON.stringify({ username, password })})
      console.log((await client.user()).username)`
    await writeFile(join(folder, 'program.mjs'), program)
    // Ends by itself, or the test fails by its time limit.
    const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'program.mjs')])
    expect(stdout.split('\n')).toEqual(['in', username, ''])
  })
  await rm(folder, { recursive: true })
})

it('keeps no Node process alive while it waits to refresh again', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'client-'))
  await withServer({}, async (server) => {
    const gateway = await openGateway(server.url)
    const { username, password } = await givenUser(server)
    await writeFile(join(folder, 'client.mjs'), await bundle())
    gateway.disturb('GET /api/v1/auth/session', { status: 401 })
    gateway.disturb('POST /api/v1/auth/access_token', { status: 503, headers: { 'Retry-After': '3600' } })
    const program = `import { createAuthClient } from './client.mjs'
      const client = createAuthClient({ baseUrl: ${JSON.stringify(gateway.origin)}, transport: 'body' })
      await client.logIn(${JSON.stringify({ username, password })})
      void client.session()`
    await writeFile(join(folder, 'program.mjs'), program)
    const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'program.mjs')])
    expect(stdout).toBe('')
    expect(gateway.refreshes()).toBe(1)
    await gateway.close()
  })
  await rm(folder, { recursive: true })
})
