import type { Logger } from '../../src/kernel/ports.ts'

/** Writes lines of JSON into the list. */
export function createMemoryLogger(lines: string[]): Logger {
  const write = (level: string) => (details: object, message: string) => {
    lines.push(
      JSON.stringify({ level, message, ...details }, (_key, value) => (value instanceof Error ? value.stack : value)),
    )
  }
  return { writesInfo: true, info: write('info'), warn: write('warn'), error: write('error') }
}
