import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { dictionary } from '@zxcvbn-ts/language-common'

/** The list of Django's CommonPasswordValidator, so that no password is accepted here that is refused there. */
const listOfDjango = new URL('../../../data/common-passwords.txt.gz', import.meta.url)

let known: ReadonlySet<string> | undefined

/** Whether the password is on a published list of those that are tried first, in any case and with spaces around it. */
export function isCommon(password: string): boolean {
  // Read when it is first needed: no start waits for it.
  known ??= new Set([...dictionary['passwords-common'].map(String), ...readLines(listOfDjango)].map(folded))
  return known.has(folded(password.normalize('NFC')))
}

function readLines(file: URL): string[] {
  return gunzipSync(readFileSync(file)).toString().trimEnd().split('\n')
}

function folded(password: string): string {
  return password.trim().toLowerCase()
}
