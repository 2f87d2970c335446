import { createHash, createHmac, randomBytes, randomInt } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import bcrypt from 'bcrypt'
import type { HashQueue, PasswordHasher } from '../kernel/ports.ts'
import { deriveKey } from '../kernel/secrets.ts'
import type { Comparison } from './bcrypt-pairs/index.ts'
import { bcryptPairs } from './bcrypt-pairs/index.ts'
import type { DjangoHash } from './django-hashes/index.ts'
import { hashAsDjango } from './django-hashes/pbkdf2.ts'
import { createFairSemaphore } from './fair-semaphore.ts'

interface Pepper {
  readonly id: string
  readonly key: Buffer
}

/** Takes the time of a comparison, alone or with another, and computes nothing. */
const dummy = 'dummy'
type Work = Comparison | typeof dummy

const scheme = 'bcrypt-sha384'
const unpeppered = 'none'
const storedFormat = /^bcrypt-sha384\$(?<pepperId>[\w-]+)(?<hash>\$2b\$\d\d\$[./A-Za-z0-9]{53})$/

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
  onPairFailure,
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
  /** Told when passwords begin to be compared one after the other, as they could not be compared two at once. */
  onPairFailure?: (error: unknown) => void
}): PasswordHasher & { readonly queue: () => HashQueue } {
  const knownPeppers = peppers.map(readPepper)
  const current = knownPeppers[0]
  // In libuv's own queue unrelated work, such as name look-ups, would wait behind them.
  const inTurn = createFairSemaphore<Work, boolean>({ width, queueLimit, onStart, computeTogether })
  // A real hash of the current cost: bcrypt answers at once for any other text, and the response time would reveal
  // which accounts exist.
  const dummyHash = timed(() => bcrypt.hash(randomBytes(48).toString('base64'), cost))
  /** How long a comparison takes lately, in ms. */
  let usualMs = 0
  let pairsFail = false

  async function timed<Result>(work: () => Promise<Result>): Promise<Result> {
    const startedAt = performance.now()
    const result = await work()
    const ms = performance.now() - startedAt
    usualMs += (ms - usualMs) / (usualMs === 0 ? 1 : 8)
    return result
  }

  /** Does the work of the current cost for each, whatever is compared. */
  async function computeTogether(items: readonly Work[]): Promise<boolean[]> {
    const [first, second] = items
    if (!first || !second || first === dummy || second === dummy) return Promise.all(items.map(compute))
    try {
      const matches = await timed(() => bcryptPairs.compare([first, second], cost))
      pairsFail = false
      return matches
    } catch (error) {
      if (!pairsFail) onPairFailure?.(error)
      pairsFail = true
      return [await compute(first), await compute(second)]
    }
  }

  async function compute(work: Work): Promise<boolean> {
    if (work !== dummy) return timed(() => compare(work))
    await delay(usualMs)
    return false
  }

  /**
   * Compares, and then does the work that is missing to the current cost, or the response time would reveal an older
   * hash: 2^12 = 2^10 + 2^10 + 2^11.
   */
  async function compare({ password, hash }: Comparison): Promise<boolean> {
    const matches = await bcrypt.compare(password, hash)
    for (let missing = costOf(hash); missing < cost; missing += 1) {
      await bcrypt.compare(password, withCost(await dummyHash, missing))
    }
    return matches
  }

  /** Takes at least as long as a comparison with a hash of ours, whatever the scheme. */
  async function compareImported(password: string, imported: DjangoHash): Promise<boolean> {
    const matches = await imported.matches(password)
    await compare({ password: prehash(password, current), hash: await dummyHash })
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
      const comparison = { password: prehash(password, pepper), hash: (comparable && stored.hash) || (await dummyHash) }
      // A costlier hash is compared alone, as the one beside it would wait for it.
      const matches = await (costOf(comparison.hash) > cost
        ? inTurn(client, () => timed(() => compare(comparison)))
        : inTurn.compute(client, comparison))
      return matches && comparable
    },
    async dummyVerify(client) {
      await dummyHash
      await inTurn.compute(client, dummy)
    },
    async jitter() {
      await delay(randomInt(1 + Math.ceil(usualMs / 2)))
    },
    isOutdated(storedHash, password) {
      const stored = storedFormat.exec(storedHash)?.groups
      if (!stored) return readDjangoHash(storedHash)?.isReplaceableBy(password) ?? true
      return costOf(stored.hash ?? '') !== cost || stored.pepperId !== (current?.id ?? unpeppered)
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

function costOf(hash: string): number {
  return Number(hash.slice(4, 6))
}

/** The same hash but for the cost in it: nothing matches it, and comparing with it is work of that cost. */
function withCost(hash: string, cost: number): string {
  return hash.replace(/(?<=^\$2b\$)\d\d/, String(cost).padStart(2, '0'))
}
