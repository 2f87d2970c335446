import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freshDatabase } from '../support/database.ts'
import { exchange } from '../support/exchange.ts'
import { randomUser } from '../support/fixtures.ts'
import { endProcesses, givenFolder, startProcess } from '../support/process.ts'

afterEach(endProcesses)

it('starts with secrets from files, and they are those that the files hold', async () => {
  const folder = await givenFolder()
  const key = randomBytes(48).toString('base64')
  const databaseUrl = await freshDatabase()
  const [keyFile, databaseFile] = [join(folder, 'key'), join(folder, 'database')]
  await writeFile(keyFile, `${key}\n`)
  await writeFile(databaseFile, `${databaseUrl}\n`)
  const byFiles = await startProcess({ SECRET_KEY_FILE: keyFile, DATABASE_URL_FILE: databaseFile }).ready
  const byValues = await startProcess({ SECRET_KEY: key, DATABASE_URL: databaseUrl }).ready

  const registered = await exchange(byFiles, '/api/v1/auth/register_credentials', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(randomUser()),
  })
  expect(registered.status).toBe(201)
  const headers = { Authorization: `Bearer ${registered.body.access_token}` }
  expect((await exchange(byValues, '/api/v1/auth/session', { headers })).status).toBe(200)
})

it('names a file setting that is of no use, and shows neither its path nor the secret', async () => {
  const folder = await givenFolder()
  const server = startProcess({
    DATABASE_URL_FILE: join(folder, 'absent'),
    SECRET_KEY_FILE: folder,
    PASSWORD_PEPPER: 'hidden-and-short',
    PASSWORD_PEPPER_FILE: join(folder, 'pepper'),
  })
  expect(await server.exit).toBe(1)
  expect(server.stderr()).toMatch(
    /DATABASE_URL_FILE must name a file that this server can read; the system says ENOENT/,
  )
  expect(server.stderr()).toMatch(/SECRET_KEY_FILE must name a file that this server can read; the system says EISDIR/)
  expect(server.stderr()).toMatch(/PASSWORD_PEPPER_FILE must not be set together with PASSWORD_PEPPER/)
  expect(server.stderr()).not.toContain(folder)
  expect(server.stderr()).not.toContain('hidden')
})
