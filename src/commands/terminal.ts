import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import type { ReadStream, WriteStream } from 'node:tty'
import { StartError } from '../kernel/errors.ts'
import { asJson } from './text.ts'

type Streams = Pick<NodeJS.Process, 'stdin' | 'stdout' | 'stderr'>

/** The three streams of a command. */
export interface Terminal {
  /** Whether a person can answer questions. */
  readonly isInteractive: boolean
  /** The result of the command, on standard output. */
  print(text: string): void
  /** The result as a line of JSON for machines, or as text for people. */
  show(options: { readonly json?: boolean }, value: unknown, text: () => string): void
  /** What goes on, on standard error. */
  note(text: string): void
  /** What goes on at this moment, on a line that the next text takes the place of. Shown to people only. */
  progress(text: string): void
  ask(question: string): Promise<string>
  /** Asks without an echo. */
  askHidden(question: string): Promise<string>
  /** Standard input up to its end, without the last line break. */
  readInput(): Promise<string>
  /** Resolves once all is written, or can no longer be. */
  flush(): Promise<void>
}

export function createTerminal({ stdin, stdout, stderr }: Streams, interruption: AbortController): Terminal {
  // A reader such as `head` may end before the command has written all, which is no fault of the command.
  for (const stream of [stdout, stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
      interruption.abort('unread')
    })
  }

  async function ask(question: string, output: WriteStream | Writable): Promise<string> {
    if (!stdin.isTTY) throw new StartError(`There is no terminal to ask on: ${question}`)
    // From here on the terminal echoes nothing by itself, so that an answer to the question is not seen.
    const lines = createInterface({ input: stdin as ReadStream, output, terminal: true })
    stderr.write(question)
    lines.on('SIGINT', () => interruption.abort())
    try {
      return await lines.question('', { signal: interruption.signal })
    } finally {
      lines.close()
    }
  }

  /** Erases the line of the progress. */
  let erase = ''
  const print = (text: string) => {
    clearProgress()
    stdout.write(`${text}\n`)
  }
  function clearProgress(): void {
    if (erase !== '') stderr.write(erase)
    erase = ''
  }

  return {
    isInteractive: stdin.isTTY === true,
    print,
    show: ({ json }, value, text) => print(json ? asJson(value) : text()),
    note(text) {
      clearProgress()
      stderr.write(`${text}\n`)
    },
    progress(text) {
      if (!stderr.isTTY) return
      clearProgress()
      stderr.write(text)
      erase = '\r\x1b[K'
    },
    ask: (question) => ask(question, stderr),
    async askHidden(question) {
      const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
      const answer = await ask(question, silent)
      stderr.write('\n')
      return answer
    },
    async readInput() {
      let text = ''
      for await (const chunk of stdin.setEncoding('utf8')) text += chunk
      return text.replace(/\r?\n$/, '')
    },
    flush: () => new Promise((resolve) => void stdout.write('', () => resolve())),
  }
}
