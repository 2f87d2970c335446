import { readFileSync } from 'node:fs'

/** The text of a file of a page, which lies beside the module with that address. */
export function readPageFile(name: string, moduleUrl: string): string {
  return readFileSync(new URL(name, moduleUrl), 'utf8')
}

/**
 * One script of several module scripts, so that a policy can name it by one hash. Imports between them, which are for tsc and for
 * editors, are left out: all of them share one scope.
 */
export function joinScripts(...scripts: readonly string[]): string {
  return scripts
    .map((script) => script.replace(/^import [^\n]*\n+/gm, '').replace(/^export (?=const )/gm, ''))
    .join('\n')
}
