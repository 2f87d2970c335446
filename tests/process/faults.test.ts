import { endProcesses, givenFolder, isRunning, postgresPid, startProcess, until } from '../support/process.ts'

afterEach(endProcesses)

describe('a fault of the program', () => {
  it.each([
    ['an exception that nothing catches', 'SIGUSR2', 'thrown by the test'],
    ['a rejection that nothing waits for', 'SIGWINCH', 'rejected by the test'],
  ] as const)('ends the process and its PostgreSQL with one line of the log: %s', async (_what, signal, message) => {
    const DATA_DIR = await givenFolder()
    const fault = new URL('../support/faulty-program.mjs', import.meta.url).href
    const server = startProcess({ DATA_DIR, NODE_OPTIONS: `--import=${fault}` })
    await server.ready
    const postgres = (await postgresPid(DATA_DIR)) ?? 0
    expect(await isRunning(postgres)).toBe(true)
    server.kill(signal)
    // Once more while the process ends. Sent before the first has arrived, both would be one.
    await until(async () => server.stdout().includes('by a fault of ours'))
    server.kill(signal)
    expect([await server.exit, server.stderr()]).toEqual([1, ''])
    const lines = server
      .stdout()
      .split('\n')
      .filter((line) => line.includes('the process ends by a fault of ours'))
    expect(lines).toHaveLength(1)
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'error',
      error: { stack: expect.stringContaining(message) },
    })
    await until(async () => !(await isRunning(postgres)))
  })
})
