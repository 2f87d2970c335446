// Loaded before a process (NODE_OPTIONS=--import=…): the pause of a stop, in which connections are still accepted, lasts until SIGUSR2.
import { once } from 'node:events'
import { syncBuiltinESMExports } from 'node:module'
import timers from 'node:timers/promises'

const pauseMs = 250
const { setTimeout: delay } = timers
timers.setTimeout = (ms, ...rest) => (ms === pauseMs ? once(process, 'SIGUSR2') : delay(ms, ...rest))
syncBuiltinESMExports()
// Until the pause a signal would end the process.
process.on('SIGUSR2', () => undefined)
