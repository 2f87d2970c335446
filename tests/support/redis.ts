import { once } from 'node:events'
import { connect } from 'node:net'
import { until } from './process.ts'
import type { Program } from './program.ts'
import { freePort, startProgram } from './program.ts'

export interface TestRedis {
  readonly url: string
  readonly start: () => Promise<void>
  /** Drops all counts: nothing is written to disk. */
  readonly kill: () => Promise<void>
  /** Keeps its connections open and answers nothing. */
  readonly freeze: () => void
  readonly thaw: () => void
}

/** A Redis that is not started yet. */
export async function givenRedis({ password }: { password?: string } = {}): Promise<TestRedis> {
  const port = await freePort()
  const protection = password === undefined ? [] : ['--requirepass', password]
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', ...protection]
  let program: Program | undefined
  return {
    url: `redis://127.0.0.1:${port}`,
    async start() {
      program = await startProgram('redis-server', [...args, '--logfile', '/dev/null', '--dir', '/tmp'])
      await until(() => isOpen(port))
    },
    kill: async () => program?.kill(),
    freeze: () => program?.signal('SIGSTOP'),
    thaw: () => program?.signal('SIGCONT'),
  }
}

/** Whether a program listens there. */
export async function isOpen(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  const connected = await once(socket, 'connect').then(
    () => true,
    () => false,
  )
  socket.destroy()
  return connected
}
