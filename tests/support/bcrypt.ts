import bcrypt from 'bcrypt'

/** The hashes that bcrypt compares with while the work lasts: how much a password costs, without a clock. */
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

/** How many hashes bcrypt makes while the work lasts. */
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
