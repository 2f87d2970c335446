import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { runSql } from './catalog.ts'
import type { TestServer } from './server.ts'

/** The program of operators, as it is installed. */
export const program = fileURLToPath(new URL('../../bin/auth-server', import.meta.url))

export interface CommandResult {
  readonly code: number | string
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command to its end, with these settings and nothing else in its environment. */
export async function runCommand(
  settings: Readonly<Record<string, string>>,
  args: readonly string[],
  input = '',
): Promise<CommandResult> {
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(program, args, { cwd: tmpdir(), env: { PATH, HOME, TMPDIR: tmpdir(), ...settings } })
  const written = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      written[name] += text
    })
  }
  // A command that reads no input may have ended by then.
  child.stdin.on('error', () => undefined).end(input)
  const [code, signal] = await once(child, 'close')
  return { code: code ?? signal, ...written }
}

/** Runs a command on the database of a server, and expects it to be done. Returns what it prints. */
export async function operate({ settings }: TestServer, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand(settings, args)
  if (code !== 0) throw new Error(`auth-server ${args.join(' ')} ended with ${code}: ${stderr}`)
  return stdout
}

/** The refusal of a command: its one sentence. */
export async function refusalOfCommand({ settings }: TestServer, args: readonly string[], input = ''): Promise<string> {
  const { code, stdout, stderr } = await runCommand(settings, args, input)
  expect({ code, stdout, lines: stderr.split('\n').length, stack: /^ +at /m.test(stderr) }).toEqual({
    code: 2,
    stdout: '',
    lines: 2,
    stack: false,
  })
  return stderr
}

/** Moves the clock of the server to the present, which is the time of commands: what they make due is due for the server too. */
export function catchUp(server: TestServer): void {
  const lateMs = Date.now() - server.now().getTime()
  if (lateMs >= 0) server.pass(`${Math.ceil(lateMs / 1000) + 1}s`)
}

interface RecordedEvent {
  readonly type: string
  readonly details: Readonly<Record<string, unknown>>
}

/** The events of the user, oldest first, from that type on. */
export async function eventsOf({ settings }: TestServer, userId: number): Promise<readonly RecordedEvent[]> {
  const { DATABASE_URL = '' } = settings
  return runSql<RecordedEvent>(DATABASE_URL, `SELECT type, details FROM events WHERE user_id = ${userId} ORDER BY id`)
}
