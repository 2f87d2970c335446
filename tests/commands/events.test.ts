import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { operate, program, refusalOfCommand } from '../support/command.ts'
import { givenUser } from '../support/fixtures.ts'
import { until } from '../support/process.ts'
import type { TestServer } from '../support/server.ts'
import { startServer } from '../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

it('events list shows the events of a user, the newest last', async () => {
  const user = await givenUser(server)
  await operate(server, 'users', 'disable', user.username, '--as', 'grace')
  const listed = JSON.parse(await operate(server, 'events', 'list', '--user', user.username, '--json'))
  expect(listed.map(({ type }: { type: string }) => type)).toEqual([
    'user_registered',
    'login_succeeded',
    'sessions_ended',
    'user_disabled',
  ])
  const newest = await operate(server, 'events', 'list', '--user', user.username, '--limit', '1')
  expect(newest).toMatch(new RegExp(`^\\S+Z  user_disabled  id:${user.id}  127\\.0\\.0\\.1  operator=grace\\n$`))
})

it('refuses a duration that is none', async () => {
  expect(await refusalOfCommand(server, ['events', 'list', '--since', 'yesterday'])).toMatch(/duration such as 90s/)
})

it('events follow prints each event once as a line of JSON, and ends with 0 at Ctrl-C', async () => {
  const user = await givenUser(server)
  const { PATH = '' } = process.env
  const child = spawn(program, ['events', 'follow', '--user', user.username, '--json'], {
    env: { PATH, ...server.settings },
  })
  let printed = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text
  })
  // It begins when it is ready, so changes are made until one shows.
  await until(async () => {
    await operate(server, 'users', 'promote', user.username, '--staff')
    return printed.includes('\n')
  })
  await operate(server, 'users', 'disable', user.username)
  await until(async () => printed.includes('user_disabled'))
  child.kill('SIGINT')
  const [code] = await once(child, 'close')
  expect(code).toBe(0)
  const events = printed
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { id: string; user_id: number })
  expect(new Set(events.map(({ id }) => id)).size).toBe(events.length)
  expect(events.every(({ user_id }) => user_id === user.id)).toBe(true)
})
