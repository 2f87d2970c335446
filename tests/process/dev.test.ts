import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ServerProcess } from '../support/process.ts'
import { endProcesses, givenFolder, isRunning, postgresPid, startProcess, until } from '../support/process.ts'
import { copyProject } from '../support/project-copy.ts'

let folder: string
let project: string

beforeEach(async () => {
  folder = await givenFolder()
  project = await copyProject(folder)
})
afterEach(endProcesses)

function startDev(settings: Readonly<Record<string, string>> = {}): ServerProcess {
  return startProcess({ DATA_DIR: join(folder, 'data'), ...settings }, { program: [join(project, 'dev/server.mjs')] })
}

/** Saves the file of the project with the text in place of the other. */
async function change(file: string, from: string, to: string): Promise<void> {
  const path = join(project, file)
  const text = await readFile(path, 'utf8')
  expect(text).toContain(from)
  await writeFile(path, text.replace(from, to))
}

const waitFor = (dev: ServerProcess, told: RegExp) => until(async () => told.test(dev.stdout()))

const endpoints = 'src/features/user/endpoints.ts'
const summary = 'The account of the caller'

/** On a connection of its own: one that is kept would be that of a server which ends. */
const get = (url: string) => fetch(url, { headers: { Connection: 'close' } })

async function summaryAt(address: string): Promise<string> {
  const { paths } = (await (await get(`${address}/openapi.json`)).json()) as {
    paths: Record<string, { get: { summary: string } }>
  }
  return paths['/profile']?.get.summary ?? ''
}

it('replaces the server after a change while requests are answered, and stops all at Ctrl-C', async () => {
  const dev = startDev()
  const address = await dev.ready
  expect(await summaryAt(address)).toBe(summary)
  await waitFor(dev, /restarts after each change/)
  const postgres = await postgresPid(join(folder, 'data'))

  await change(endpoints, summary, 'The account that is changed')
  const answers: number[] = []
  await until(async () => {
    answers.push((await get(`${address}/healthz`)).status)
    return /Restarted in/.test(dev.stdout())
  })
  expect(new Set(answers)).toEqual(new Set([200]))
  expect(await summaryAt(address)).toBe('The account that is changed')
  expect(await postgresPid(join(folder, 'data'))).toBe(postgres)

  dev.signalGroup('SIGINT')
  expect(await dev.exit).toBe(0)
  expect(dev.stderr()).toBe('')
  // Of the servers and of PostgreSQL nothing is left.
  expect(() => dev.signalGroup('SIGTERM')).toThrow('ESRCH')
  expect(postgres && (await isRunning(postgres))).toBe(false)
})

it('shows what is wrong with a change, and goes on answering with the server from before', async () => {
  const dev = startDev()
  const address = await dev.ready
  await waitFor(dev, /restarts after each change/)

  await change(endpoints, 'export const readProfile', 'export const = readProfile')
  await waitFor(dev, /user\/endpoints\.ts:\d+:\d+[\s\S]*The server from before the change goes on answering/)
  expect(await summaryAt(address)).toBe(summary)
  await change(endpoints, 'export const = readProfile', 'export const readProfile')
  await waitFor(dev, /Restarted in/)

  await change(endpoints, 'export const readProfile', 'noErrors.length\nexport const readProfile')
  await waitFor(dev, /The server ended with 1\. The server from before the change goes on answering/)
  expect(dev.stderr()).toMatch(/noErrors is not defined[\s\S]*src\/features\/user\/endpoints\.ts:\d+/)
  expect(await summaryAt(address)).toBe(summary)
  await waitFor(dev, /user\/endpoints\.ts\(\d+,\d+\): error TS\d+: .*noErrors/)
})

it('explains itself, and refuses to be the server of production', async () => {
  const help = startProcess({}, { program: [join(project, 'dev/server.mjs')], args: ['--help'] })
  expect(await help.exit).toBe(0)
  expect(help.stdout()).toMatch(/^Usage: npm run dev\n/)

  const unknown = startProcess({}, { program: [join(project, 'dev/server.mjs')], args: ['--now'] })
  expect(await unknown.exit).toBe(2)
  expect(unknown.stderr()).toMatch(/Usage: npm run dev\n/)

  const production = startDev({ NODE_ENV: 'production', PORT: '1' })
  expect(await production.exit).toBe(1)
  expect(production.stdout()).toMatch(/production/)
})
