import { startProcess, until } from './process.ts'
import type { TestServer } from './server.ts'

// biome-ignore lint/suspicious/noExplicitAny: a line can be anything until it is checked.
type Line = Readonly<Record<string, any>>

/** An `import django --follow` that runs. */
export interface Follower {
  /** What it has printed, as JSON. */
  readonly lines: () => readonly Line[]
  readonly printed: () => string
  /** What it has said on standard error. */
  readonly notes: () => string
  /** Waits for a line. */
  readonly told: (isMeant: (line: Line, index: number) => boolean) => Promise<Line>
  /** Waits until it is so. Throws when the command ends before. */
  readonly until: (isSo: () => Promise<boolean>) => Promise<void>
  /** Ends it after the round that has begun. */
  readonly end: () => void
  readonly exit: Promise<number | string>
}

/** How long several rounds may take where others keep the machine busy. */
const longestMs = 60_000

/** Follows the Django on the database of the server, with a round each second. */
export function startFollower(
  { settings }: TestServer,
  url: string,
  options: readonly string[] = ['--json'],
): Follower {
  const args = ['import', 'django', '--from', url, '--follow', '--every', '1s', ...options]
  const { exit, stdout, stderr, kill } = startProcess(settings, { args })
  let isEnding = false
  let hasEnded = false
  void exit.then(() => {
    hasEnded = true
  })
  const lines = () =>
    stdout()
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Line)

  async function untilSo(isSo: () => Promise<boolean>): Promise<void> {
    await until(async () => {
      if (hasEnded) throw new Error(`the import has ended: ${stdout()}${stderr()}`)
      return isSo()
    }, longestMs)
  }

  return {
    lines,
    printed: stdout,
    notes: stderr,
    until: untilSo,
    async told(isMeant) {
      await untilSo(async () => lines().some(isMeant))
      return lines().find(isMeant) as Line
    },
    end() {
      // A second signal would end it at once.
      if (!isEnding && !hasEnded) kill('SIGTERM')
      isEnding = true
    },
    exit,
  }
}
