import { parseArgs } from 'node:util'

/** Parses the options of a command; an unknown option or argument ends it with a list of the options. */
export function readOptions(options, usage) {
  try {
    return parseArgs({ options }).values
  } catch ({ message }) {
    process.stderr.write(`${message}\n\n${usage}`)
    return process.exit(2)
  }
}
