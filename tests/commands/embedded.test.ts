import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { runCommand } from '../support/command.ts'
import { endProcesses, givenFolder, isRunning, postgresPid, startProcess } from '../support/process.ts'

afterEach(endProcesses)

const credentials = { username: 'ada', email: 'ada@example.com', password: 'correct horse battery' }

async function post(url: string, body: object): Promise<Response> {
  return fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) })
}

it('commands use the embedded PostgreSQL of the server that runs, and leave it running; without a server they start it for a while', async () => {
  const DATA_DIR = join(await givenFolder(), 'data')
  const server = startProcess({ DATA_DIR })
  const address = await server.ready
  const { username, password } = credentials
  const login = () => post(`${address}/api/v1/auth/login_credentials`, { username, password })
  expect((await post(`${address}/api/v1/auth/register_credentials`, credentials)).status).toBe(201)

  expect(await runCommand({ DATA_DIR }, ['users', 'disable', 'ada'])).toMatchObject({ code: 0, stderr: '' })
  expect((await login()).status).toBe(401)
  const postgres = (await postgresPid(DATA_DIR)) ?? 0
  expect(await isRunning(postgres)).toBe(true)
  server.kill('SIGTERM')
  expect(await server.exit).toBe(0)

  const list = await runCommand({ DATA_DIR }, ['users', 'list', '--json'])
  expect(JSON.parse(list.stdout)).toMatchObject([{ username: 'ada', account_status: 'disabled' }])
  expect(await postgresPid(DATA_DIR)).toBeUndefined()
})

it('a command makes no database, but migrate does', async () => {
  const folder = await givenFolder()
  const DATA_DIR = join(folder, 'data')
  const refused = await runCommand({ DATA_DIR }, ['users', 'list'])
  expect(refused).toEqual({ code: 2, stdout: '', stderr: expect.stringMatching(/^There is no database in DATA_DIR /) })
  expect(await readdir(folder)).toEqual([])
  expect((await runCommand({ DATA_DIR }, ['migrate'])).code).toBe(0)
  expect((await runCommand({ DATA_DIR }, ['users', 'list'])).stdout).toBe('There are no users.\n')
})
