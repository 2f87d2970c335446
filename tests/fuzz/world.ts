import { endpoints, targets } from '../support/endpoints.ts'
import type { Exchanged } from '../support/exchange.ts'
import type { TestServer } from '../support/server.ts'
import type { Call } from './calls.ts'
import { targetOf } from './calls.ts'

/** In every password, so that it can be looked for where it must not turn up. */
export const canary = 'Kanarie'

interface Credentials {
  readonly username: string
  readonly email: string
  readonly passwords: readonly [string, string]
  uid: string
  /** The newest first. */
  readonly access: string[]
  readonly refresh: string[]
  readonly mailed: string[]
  readonly ids: string[]
  /** Of pages that follow, or followed. */
  readonly cursors: string[]
}

type Kind = 'access' | 'refresh' | 'mailed' | 'ids' | 'cursors'

/** The knowledge of a client that keeps everything: the users, and everything that was ever issued to them. */
export interface World {
  /** A value for a field of this name, as the call chooses. */
  live(name: string, call: Call): Promise<string>
  /** The text, with what the world holds in the place of {access} and the like. */
  fill(text: string, call: Pick<Call, 'holder' | 'which'>): Promise<string>
  learn(call: Call, answer: Exchanged): void
  /** Takes in the mails that were sent. */
  readMails(): Promise<void>
  wasIssued(kind: 'access' | 'refresh', token: string): boolean
  /** Secrets that may be stored nowhere in the clear. */
  secrets(): string[]
}

/** Our own API first: the other contracts accept any text here, and refuse it later. */
const samples = new Map(
  [...endpoints, ...targets]
    .flatMap(({ fields }) => fields.map(({ name, sample }) => [name, sample] as const))
    .reverse(),
)

export function createWorld(server: TestServer, mailsBefore: number): World {
  const people = [0, 1, 2].map(makePerson)
  const owners = new Map<string, Credentials>()
  const cookies = new Set<string>()
  let mailsRead = mailsBefore

  const personOf = (index: number): Credentials => people[index] ?? makePerson(index)

  function keep(owner: Credentials, kind: Kind, value: string): void {
    if (!owner[kind].includes(value)) owner[kind].unshift(value)
  }

  function learnToken(token: string, caller: Credentials): void {
    const { typ } = partOf(token, 0)
    const { sub, sid, user_id: id } = partOf(token, 1)
    const owner = owners.get(String(sub)) ?? caller
    owners.set(String(sub), owner)
    keep(owner, typ === 'rt+jwt' ? 'refresh' : 'access', token)
    // As Django writes ids into links.
    owner.uid = Buffer.from(String(id)).toString('base64url')
    keep(owner, 'ids', String(sid))
  }

  async function readMails(): Promise<void> {
    const mails = await server.mails()
    for (const { recipient, text } of mails.slice(mailsRead)) {
      const credentials = people.find(({ email }) => email === recipient) ?? personOf(0)
      for (const [value] of text.matchAll(/(?<![\w-])[\w-]{43}(?![\w-])/g)) keep(credentials, 'mailed', value)
    }
    mailsRead = mails.length
  }

  async function live(name: string, { who, holder, which, secret }: Call): Promise<string> {
    const credentials = personOf(who)
    const spellings = [credentials.email, credentials.email.toUpperCase()]
    if (/pass/.test(name)) return credentials.passwords[/old|current/.test(name) ? 1 - secret : secret] ?? ''
    if (/mail/.test(name)) return pick(spellings, which)
    if (/uid/.test(name)) return credentials.uid
    if (/user/.test(name)) return pick([credentials.username, ...spellings], which)
    if (/refresh/.test(name)) return tokenOf(['refresh', 'access', 'mailed'], holder, which)
    if (/token|code|key/.test(name)) return tokenOf(['mailed', 'access', 'refresh'], holder, which)
    if (name === 'cursor') return personOf(holder).cursors[which] ?? ''
    if (/id$/.test(name)) return pick(personOf(holder).ids, which)
    return samples.get(name) ?? ''
  }

  /** The newest of each kind in turn, then those before them. */
  async function tokenOf(kinds: readonly Kind[], holder: number, which: number): Promise<string> {
    if (kinds.includes('mailed')) await readMails()
    const pools = kinds.map((kind) => personOf(holder)[kind]).filter(({ length }) => length > 0)
    const pool = pools[which % Math.max(1, pools.length)] ?? []
    return pick(pool, Math.floor(which / Math.max(1, pools.length)))
  }

  return {
    live,
    readMails,
    async fill(text, { holder, which }) {
      if (text.includes('{mailed}')) await readMails()
      const credentials = personOf(holder)
      return text.replaceAll(/\{(access|refresh|mailed)\}/g, (_all, kind: Kind) => pick(credentials[kind], which))
    },
    learn(call, { text, headers, status }) {
      if (status >= 400) return
      for (const [, cursor = ''] of text.matchAll(/"next_cursor":"([^"]+)"/g)) {
        keep(personOf(call.holder), 'cursors', cursor)
      }
      const set = headers['set-cookie']?.join('\n') ?? ''
      for (const [, value = ''] of set.matchAll(/^[^=]+=([^;]{20,})/gm)) cookies.add(value)
      // A reset or verification may be asked for another user's address.
      for (const [token] of `${text}\n${set}`.matchAll(/eyJ[\w-]+\.[\w-]+\.[\w-]+/g)) {
        learnToken(token, personOf(targetOf(call).access === 'public' ? call.who : call.holder))
      }
    },
    wasIssued: (kind, token) => people.some((credentials) => credentials[kind].includes(token)),
    secrets() {
      const tokens = people.flatMap(({ access, refresh }) => [...access, ...refresh])
      return [
        canary,
        ...cookies,
        ...people.flatMap(({ mailed }) => mailed),
        ...tokens.map((token) => token.split('.')[2] ?? ''),
      ]
    },
  }
}

function makePerson(index: number): Credentials {
  const name = `credentials${index}`
  return {
    username: name,
    email: `${name}@example.com`,
    passwords: [`${canary} ${index} im Bergwerk`, `${canary} ${index} am Fenster`],
    uid: 'MQ',
    ...{ access: [], refresh: [], mailed: [], ids: [], cursors: [] },
  }
}

/** A member of the pool, or a made-up text where the pool is empty. */
function pick(pool: readonly string[], index: number): string {
  return pool[index % Math.max(1, pool.length)] ?? 'nothing-yet'
}

function partOf(token: string, index: number): Readonly<Record<string, unknown>> {
  return JSON.parse(Buffer.from(token.split('.')[index] ?? '', 'base64url').toString())
}
