import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { gunzipSync } from 'node:zlib'

const require = createRequire(import.meta.url)

type Library = typeof import('@zxcvbn-ts/language-common')

/** The list of Django's CommonPasswordValidator, so that no password is accepted here that is refused there. */
const listOfDjango = new URL('../../../data/common-passwords.txt.gz', import.meta.url)

let known: ReadonlySet<string> | undefined

/** Whether the password is on a published list of those that are tried first, in any case and with spaces around it. */
export function isCommon(password: string): boolean {
  known ??= readKnown()
  return known.has(folded(password.normalize('NFC')))
}

/** Both lists are read when the first password asks for them: no start waits for that. */
function readKnown(): ReadonlySet<string> {
  const { dictionary } = require('@zxcvbn-ts/language-common') as Library
  return new Set([...dictionary['passwords-common'].map(String), ...readLines(listOfDjango)].map(folded))
}

function readLines(file: URL): string[] {
  return gunzipSync(readFileSync(file)).toString().trimEnd().split('\n')
}

function folded(password: string): string {
  return password.trim().toLowerCase()
}
