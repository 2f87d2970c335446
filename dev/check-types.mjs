import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { projectRoot } from './bundle.mjs'

const tsc = join(projectRoot, 'node_modules/.bin/tsc')
// Beside the build's own output, in which no name begins so.
const args = ['-p', 'tsconfig.src.json', '--noEmit', '--incremental', '--tsBuildInfoFile', 'dist/.types.json']

/** Checks the types beside the running server, again at each call, and prints the faults. */
export function createTypeCheck(say) {
  let current
  let wasFaulty = false

  function stop() {
    if (!current) return
    // tsc is two processes, which have to be ended together.
    try {
      process.kill(-current.pid, 'SIGKILL')
    } catch {
      // It has ended.
    }
    current = undefined
  }

  return {
    stop,
    start() {
      stop()
      const check = spawn(tsc, args, { cwd: projectRoot, stdio: ['ignore', 'inherit', 'inherit'], detached: true })
      current = check
      check.on('error', (error) => say(`The types are not checked: ${error.message}`))
      check.on('exit', (code) => {
        if (current !== check) return
        current = undefined
        if (code !== 0) say('The types above are wrong. The server runs all the same.')
        else if (wasFaulty) say('The types are right again.')
        wasFaulty = code !== 0
      })
    },
  }
}
