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
