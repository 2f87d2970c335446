import { parseArgs } from 'node:util'

/** The options of a command; one that it does not know, or a word too many, ends it with what it does know. */
export function readOptions(options, usage) {
  try {
    return parseArgs({ options }).values
  } catch ({ message }) {
    process.stderr.write(`${message}\n\n${usage}`)
    return process.exit(2)
  }
}
