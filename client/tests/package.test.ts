import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { givenUser } from '../../tests/support/fixtures.ts'
import { withServer } from '../../tests/support/server.ts'
import { startBehindGateway } from '../../tests/support/server-behind-gateway.ts'

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

/** What a program of its own prints, once it has ended by itself. One that does not end is killed, and the test fails. */
async function outputOf(program: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'client-'))
  try {
    await writeFile(join(folder, 'client.mjs'), await bundle())
    await writeFile(join(folder, 'program.mjs'), `import { createAuthClient } from './client.mjs'\n${program}`)
    const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'program.mjs')], { timeout: 30_000 })
    return stdout
  } finally {
    await rm(folder, { recursive: true })
  }
}

it.each([
  ['cookie', 'memory'],
  ['body', 'memory'],
  ['body', 'local'],
])('keeps no Node process alive: transport %s, storage %s', async (transport, storage) => {
  await withServer({}, async (server) => {
    const { username, password } = await givenUser(server)
    const output = await outputOf(`
      const client = createAuthClient(${JSON.stringify({ baseUrl: server.url, transport, storage })})
      client.onChange(({ status }) => console.log(status))
      await client.logIn(${JSON.stringify({ username, password })})
      console.log((await client.user()).username)`)
    expect(output.split('\n')).toEqual(['in', username, ''])
  })
})

it('keeps no Node process alive while it waits to refresh again', async () => {
  const { server, gateway, close } = await startBehindGateway()
  try {
    const { username, password } = await givenUser(server)
    gateway.disturb('GET /api/v1/auth/session', { status: 401 })
    gateway.disturb('POST /api/v1/auth/access_token', { status: 503, headers: { 'Retry-After': '3600' } })
    const output = await outputOf(`
      const client = createAuthClient({ baseUrl: ${JSON.stringify(gateway.origin)}, transport: 'body' })
      await client.logIn(${JSON.stringify({ username, password })})
      void client.session()`)
    expect(output).toBe('')
    expect(gateway.refreshes()).toBe(1)
  } finally {
    await close()
  }
})
