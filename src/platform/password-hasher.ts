import { createHash, createHmac, randomBytes, randomInt } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import bcrypt from 'bcrypt'
import type { HashQueue, PasswordHasher } from '../kernel/ports.ts'
import { deriveKey } from '../kernel/secrets.ts'
import type { DjangoHash } from './django-hashes/index.ts'
import { hashAsDjango } from './django-hashes/pbkdf2.ts'
import { createFairSemaphore } from './fair-semaphore.ts'

interface Pepper {
  readonly id: string
  readonly key: Buffer
}

const scheme = 'bcrypt-sha384'
const unpeppered = 'none'
const storedFormat = /^bcrypt-sha384\$(?<pepperId>[\w-]+)(?<hash>\$2b\$(?<cost>\d\d)\$[./A-Za-z0-9]{53})$/

/**
 * bcrypt over base64(SHA-384(NFC(password))), or HMAC-SHA-384 with a pepper: 64 characters, so that nothing is cut
 * at bcrypt's 72 bytes and no NUL ends the password early. Stored as `scheme$pepper$2b$cost$salt+hash`.
 */
export function createBcryptHasher({
  cost,
  peppers,
  queueLimit,
  width = availableParallelism(),
  readDjangoHash = () => undefined,
  onStart,
}: {
  cost: number
  peppers: readonly string[]
  queueLimit: number
  /** How many hashes are computed at once; as many as there are cores, unless other processes compute, too. */
  width?: number
  /** Reads hashes that were imported; undefined for any other text. */
  readDjangoHash?: (stored: string) => DjangoHash | undefined
  /** Told how long each piece of work waited for its turn. */
  onStart?: ((waitedSeconds: number) => void) | undefined
}): PasswordHasher & { readonly queue: () => HashQueue } {
  const knownPeppers = peppers.map(readPepper)
  const current = knownPeppers[0]
  // In libuv's own queue unrelated work, such as name look-ups, would wait behind them.
  const inTurn = createFairSemaphore({ width, queueLimit, onStart })
  // A real hash of the current cost: bcrypt answers at once for any other text, and the response time would reveal
  // which accounts exist.
  const dummyHash = timed(() => bcrypt.hash(randomBytes(48).toString('base64'), cost))
  /** How long a comparison takes lately, in ms. */
  let usualMs = 0

  async function timed<Result>(work: () => Promise<Result>): Promise<Result> {
    const startedAt = performance.now()
    const result = await work()
    const ms = performance.now() - startedAt
    usualMs += (ms - usualMs) / (usualMs === 0 ? 1 : 8)
    return result
  }

  /**
   * Compares, and then does the work that is missing to the current cost, or the response time would reveal an older
   * hash: 2^12 = 2^10 + 2^10 + 2^11.
   */
  async function compare(digest: string, hash: string, hashCost: number): Promise<boolean> {
    const matches = await bcrypt.compare(digest, hash)
    for (let missing = hashCost; missing < cost; missing += 1) {
      await bcrypt.compare(digest, withCost(await dummyHash, missing))
    }
    return matches
  }

  /** Takes at least as long as a comparison with a hash of ours, whatever the scheme. */
  async function compareImported(password: string, imported: DjangoHash): Promise<boolean> {
    const matches = await imported.matches(password)
    await compare(prehash(password, current), await dummyHash, cost)
    return matches
  }

  return {
    queue: () => ({ ...inTurn.load(), limit: queueLimit }),
    async hash(password, client) {
      const hash = await inTurn(client, () => bcrypt.hash(prehash(password, current), cost))
      return `${scheme}$${current?.id ?? unpeppered}${hash}`
    },
    hashForDjango: (password, client) => inTurn(client, () => hashAsDjango(password)),
    async verify(password, storedHash, client) {
      const stored = storedFormat.exec(storedHash ?? '')?.groups
      const imported = stored ? undefined : readDjangoHash(storedHash ?? '')
      if (imported) return inTurn(client, () => compareImported(password, imported))
      const pepper = knownPeppers.find(({ id }) => id === stored?.pepperId)
      const comparable = stored?.hash !== undefined && (pepper !== undefined || stored.pepperId === unpeppered)
      const hash = comparable ? stored.hash : await dummyHash
      const hashCost = comparable ? Number(stored.cost) : cost
      const matches = await inTurn(client, () => timed(() => compare(prehash(password, pepper), hash ?? '', hashCost)))
      return matches && comparable
    },
    async dummyVerify(client) {
      await dummyHash
      await inTurn(client, () => delay(usualMs))
    },
    async jitter() {
      await delay(randomInt(1 + Math.ceil(usualMs / 2)))
    },
    isOutdated(storedHash, password) {
      const stored = storedFormat.exec(storedHash)?.groups
      if (!stored) return readDjangoHash(storedHash)?.isReplaceableBy(password) ?? true
      return Number(stored.cost) !== cost || stored.pepperId !== (current?.id ?? unpeppered)
    },
  }
}

function readPepper(secret: string): Pepper {
  const key = deriveKey(secret, 'password pepper')
  return { id: createHash('sha256').update(key).digest('hex').slice(0, 8), key }
}

function prehash(password: string, pepper: Pepper | undefined): string {
  const digest = pepper ? createHmac('sha384', pepper.key) : createHash('sha384')
  return digest.update(password.normalize('NFC')).digest('base64')
}

/** The same hash but for the cost in it: nothing matches it, and comparing with it is work of that cost. */
function withCost(hash: string, cost: number): string {
  return hash.replace(/(?<=^\$2b\$)\d\d/, String(cost).padStart(2, '0'))
}
