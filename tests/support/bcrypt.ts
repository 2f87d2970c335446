import bcrypt from 'bcrypt'
import type { Pair } from '../../src/platform/bcrypt-pairs/index.ts'
import { bcryptPairs } from '../../src/platform/bcrypt-pairs/index.ts'

/** The hashes that bcrypt compares with during the work: the cost of a password, without a clock. */
export async function comparedDuring(work: () => Promise<unknown>): Promise<string[]> {
  const { compare } = bcrypt
  const comparePair = bcryptPairs.compare
  const hashes: string[] = []
  bcryptPairs.compare = (pair, cost) => {
    hashes.push(...pair.map(({ hash }) => hash))
    return comparePair(pair, cost)
  }
  Object.assign(bcrypt, {
    compare: (digest: string, hash: string) => {
      hashes.push(hash)
      return compare(digest, hash)
    },
  })
  try {
    await work()
  } finally {
    Object.assign(bcrypt, { compare })
    bcryptPairs.compare = comparePair
  }
  return hashes
}

/** The number of hashes that bcrypt makes during the work. */
export async function countHashedDuring(work: () => Promise<unknown>): Promise<number> {
  const { hash } = bcrypt
  let count = 0
  Object.assign(bcrypt, {
    hash: (digest: string, cost: number) => {
      count += 1
      return hash(digest, cost)
    },
  })
  try {
    await work()
  } finally {
    Object.assign(bcrypt, { hash })
  }
  return count
}

/** The pairs that are compared at once during the work, and the cost of each. */
export async function pairsDuring(work: () => Promise<unknown>): Promise<{ pair: Pair; cost: number }[]> {
  const { compare } = bcryptPairs
  const pairs: { pair: Pair; cost: number }[] = []
  bcryptPairs.compare = (pair, cost) => {
    pairs.push({ pair, cost })
    return compare(pair, cost)
  }
  try {
    await work()
  } finally {
    bcryptPairs.compare = compare
  }
  return pairs
}
