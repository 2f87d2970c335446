import { pino } from 'pino'
import type { Logger } from '../kernel/ports.ts'

/** One JSON line per entry on standard output. */
export function createLogger(level: 'debug' | 'info' | 'warn' | 'error' | 'silent'): Logger {
  const logger = pino({
    level,
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label) => ({ level: label }) },
    // An error's own properties can hold a query with its values; the stack tells enough.
    serializers: { error: (error: unknown) => (error instanceof Error ? { stack: error.stack } : String(error)) },
  })
  return Object.assign(logger, { writesInfo: logger.isLevelEnabled('info') })
}
