import { readFileSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Account } from './process.ts'

/** The system accounts that tests run a server as: the current one and, for root, an ordinary one as well. */
export function accountsToTry(): { who: string; account: Account }[] {
  if (process.getuid?.() !== 0) return [{ who: 'an ordinary user', account: {} }]
  const [, , uid, gid] = /^nobody:.*$/m.exec(readFileSync('/etc/passwd', 'utf8'))?.[0].split(':') ?? []
  const root = { who: 'root', account: {} }
  if (uid === undefined || gid === undefined || !isOpenToAll()) return [root]
  return [root, { who: 'an ordinary user', account: { uid: Number(uid), gid: Number(gid) } }]
}

/** Whether other system accounts can reach this project. */
function isOpenToAll(): boolean {
  for (let place = fileURLToPath(new URL('../../dist', import.meta.url)); ; place = dirname(place)) {
    if ((statSync(place).mode & 0o001) === 0) return false
    if (place === dirname(place)) return true
  }
}
