import bcrypt from 'bcrypt'

/** The hashes that bcrypt compares with during the work: the cost of a password, without a clock. */
export async function comparedDuring(work: () => Promise<unknown>): Promise<string[]> {
  const { compare } = bcrypt
  const hashes: string[] = []
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
