import { createHash } from 'node:crypto'
import { availableParallelism } from 'node:os'
import bcrypt from 'bcrypt'
import { AuthError } from '../../src/kernel/errors.ts'
import { bcryptPairs } from '../../src/platform/bcrypt-pairs/index.ts'
import { createBcryptHasher } from '../../src/platform/password-hasher.ts'
import { comparedDuring, pairsDuring } from '../support/bcrypt.ts'

const password = 'correct horse battery'
const peppers = ['the first pepper of 32 bytes or more', 'the second pepper of 32 bytes or more']
const createHasher = ({ cost = 4, peppers = [] as string[], queueLimit = 50 } = {}) =>
  createBcryptHasher({ cost, peppers, queueLimit })
const client = '203.0.113.7'

describe('the password hasher', () => {
  it('accepts the right password and refuses a wrong one', async () => {
    const hasher = createHasher()
    const hash = await hasher.hash(password, client)
    expect(await hasher.verify(password, hash, client)).toBe(true)
    expect(await hasher.verify(`${password} `, hash, client)).toBe(false)
    expect(await hasher.verify('', hash, client)).toBe(false)
  })

  it('salts: the same password has another hash each time', async () => {
    const hasher = createHasher()
    expect(await hasher.hash(password, client)).not.toBe(await hasher.hash(password, client))
  })

  it('stores bcrypt over base64(SHA-384(NFC(password))), tagged, so that other programs can check it', async () => {
    const stored = await createHasher().hash('cafe\u0301 au lait', client)
    const [, hash = ''] = /^bcrypt-sha384\$none(\$2b\$04\$.{53})$/.exec(stored) ?? []
    const digest = createHash('sha384').update('caf\u00e9 au lait').digest('base64')
    expect(await bcrypt.compare(digest, hash)).toBe(true)
  })

  it.each([
    ['71 bytes', 'x'.repeat(70)],
    ['72 bytes', 'x'.repeat(71)],
    ['73 bytes', 'x'.repeat(72)],
    ['100 bytes', 'x'.repeat(99)],
    ['512 bytes', 'x'.repeat(511)],
    ['a NUL at the start', '\0'],
    ['a NUL in the middle', 'correct\0horse batter'],
  ])('sees the last byte of a password of %s', async (_what, start) => {
    const hasher = createHasher()
    const hash = await hasher.hash(`${start}a`, client)
    expect(await hasher.verify(`${start}b`, hash, client)).toBe(false)
    expect(await hasher.verify(start, hash, client)).toBe(false)
    expect(await hasher.verify(`${start}a`, hash, client)).toBe(true)
  })

  it('sees the last byte behind a pepper as well', async () => {
    const hasher = createHasher({ peppers })
    const hash = await hasher.hash(`${'x'.repeat(99)}a`, client)
    expect(await hasher.verify(`${'x'.repeat(99)}b`, hash, client)).toBe(false)
    expect(await hasher.verify(`${'x'.repeat(99)}a`, hash, client)).toBe(true)
  })

  it('needs the pepper that a hash was made with, wherever in the list it stands', async () => {
    const [first = '', second = ''] = peppers
    const hash = await createHasher({ peppers: [first] }).hash(password, client)
    expect(hash).toMatch(/^bcrypt-sha384\$[\da-f]{8}\$2b\$04\$/)
    expect(hash).not.toContain(first)
    expect(await createHasher({ peppers: [second, first] }).verify(password, hash, client)).toBe(true)
    expect(await createHasher({ peppers: [second] }).verify(password, hash, client)).toBe(false)
    expect(await createHasher().verify(password, hash, client)).toBe(false)
  })

  it('still takes hashes from before there was a pepper', async () => {
    const hash = await createHasher().hash(password, client)
    expect(await createHasher({ peppers }).verify(password, hash, client)).toBe(true)
  })

  it('says that a hash is out of date when the cost or the pepper is another one', async () => {
    const [first = '', second = ''] = peppers
    const [plain, peppered] = [
      await createHasher().hash(password, client),
      await createHasher({ peppers: [first] }).hash(password, client),
    ]
    expect(createHasher().isOutdated(plain, password)).toBe(false)
    expect(createHasher({ cost: 5 }).isOutdated(plain, password)).toBe(true)
    expect(createHasher({ peppers }).isOutdated(plain, password)).toBe(true)
    expect(createHasher({ peppers: [first, second] }).isOutdated(peppered, password)).toBe(false)
    expect(createHasher({ peppers: [second, first] }).isOutdated(peppered, password)).toBe(true)
    expect(createHasher().isOutdated(peppered, password)).toBe(true)
    expect(createHasher().isOutdated('md5$of$something', password)).toBe(true)
  })

  it.each([
    undefined,
    '',
    'x',
    'md5$of$something',
    'bcrypt-sha384$none$2b$04$short',
    `bcrypt-sha384$unknown$2b$04$${'x'.repeat(53)}`,
    `$2b$04$${'x'.repeat(53)}`,
  ])('accepts no password for a stored text that is no hash of ours: %j', async (stored) => {
    const hasher = createHasher()
    for (const attempt of [password, '', 'x', stored ?? ''])
      expect(await hasher.verify(attempt, stored, client)).toBe(false)
  })

  it.each([
    ['there is no hash', undefined],
    ['the hash is malformed', 'bcrypt-sha384$none$2b$10$short'],
    ['the pepper of the hash is gone', `bcrypt-sha384$deadbeef$2b$04$${'x'.repeat(53)}`],
  ])('works as hard as for a real hash when %s', async (_what, stored) => {
    const hasher = createHasher({ cost: 5 })
    const real = await hasher.hash(password, client)
    // bcrypt answers at once unless it is given a whole hash; then the cost in the hash decides its work.
    const wholeHash = /^\$2b\$05\$[./A-Za-z0-9]{53}$/
    const compared = [
      await comparedDuring(() => hasher.verify(password, real, client)),
      await comparedDuring(() => hasher.verify(password, stored, client)),
    ]
    expect(compared).toEqual([[expect.stringMatching(wholeHash)], [expect.stringMatching(wholeHash)]])
  })

  it('works as hard for a hash of a lower cost as for one of the current cost, whether it matches or not', async () => {
    const hasher = createHasher({ cost: 8 })
    for (const cost of [4, 5, 6, 7, 8]) {
      const hash = await createHasher({ cost }).hash(password, client)
      for (const attempt of [password, 'correct horse batterx']) {
        const compared = await comparedDuring(() => hasher.verify(attempt, hash, client))
        const work = compared.map((each) => 2 ** Number(/^\$2b\$(\d\d)\$[./A-Za-z0-9]{53}$/.exec(each)?.[1]))
        expect(work.reduce((sum, each) => sum + each)).toBe(2 ** 8)
      }
      expect(await hasher.verify(password, hash, client)).toBe(true)
      expect(await hasher.verify('correct horse batterx', hash, client)).toBe(false)
    }
  })

  it('compares nothing for a dummy', async () => {
    const hasher = createHasher()
    expect(await comparedDuring(() => hasher.dummyVerify(client))).toEqual([])
  })

  it('queues dummy and real comparisons in the same places', async () => {
    const hasher = createHasher({ queueLimit: 6 })
    const places = availableParallelism() + 3
    await hasher.dummyVerify(client)
    const outcomes = await Promise.allSettled(
      Array.from({ length: places + 5 }, (_, index) =>
        index % 2 === 0 ? hasher.dummyVerify(client) : hasher.verify(password, undefined, client),
      ),
    )
    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(5)
  })

  it('queues as many as configured and refuses the next one at once', async () => {
    const hasher = createHasher({ queueLimit: 3 })
    const hash = await hasher.hash(password, client)
    const places = availableParallelism() + 3
    const outcomes = await Promise.allSettled(
      Array.from({ length: places + 5 }, (_, index) => hasher.hash(password, `203.0.113.${index}`)),
    )
    expect(outcomes.map(({ status }) => status)).toEqual([
      ...Array<string>(places).fill('fulfilled'),
      ...Array<string>(5).fill('rejected'),
    ])
    for (const outcome of outcomes.slice(places)) {
      const { reason } = outcome as PromiseRejectedResult
      expect(reason).toBeInstanceOf(AuthError)
      expect(reason.definition).toMatchObject({ code: 'overloaded', status: 503 })
    }
    expect(await hasher.verify(password, hash, client)).toBe(true)
  })

  it('frees the place of a hash that failed', async () => {
    const hasher = createHasher({ cost: 4, queueLimit: 1 })
    // Not a string: only a fault of ours could cause that.
    const failing = Array.from({ length: 20 }, () => hasher.hash(null as unknown as string, client))
    await Promise.allSettled(failing)
    expect(await hasher.verify(password, await hasher.hash(password, client), client)).toBe(true)
  })

  it('compares two passwords at once when they wait, each with its own hash', async () => {
    const hasher = createHasher({ queueLimit: 1000 })
    const users = await Promise.all(
      Array.from({ length: 2 * availableParallelism() + 6 }, async (_, index) => {
        const own = `${password} ${index}`
        return { own, hash: await hasher.hash(own, client), attempt: index % 3 === 0 ? own : password }
      }),
    )
    const verifyAll = () =>
      Promise.all(users.map(({ attempt, hash }, index) => hasher.verify(attempt, hash, `203.0.113.${index}`)))
    let matches: boolean[] = []
    const pairs = await pairsDuring(async () => {
      matches = await verifyAll()
    })
    expect(pairs).toHaveLength(availableParallelism() + 3)
    expect(matches).toEqual(users.map(({ own, attempt }) => own === attempt))
  })

  it('compares hashes of lower costs together with others, and does the same work for them', async () => {
    const hasher = createHasher({ cost: 6, queueLimit: 1000 })
    const users = await Promise.all(
      Array.from({ length: 2 * availableParallelism() + 4 }, async (_, index) => ({
        hash: await createHasher({ cost: 4 + (index % 3), queueLimit: 1000 }).hash(password, client),
        attempt: index % 2 === 0 ? password : 'another password',
      })),
    )
    let matches: boolean[] = []
    const pairs = await pairsDuring(async () => {
      matches = await Promise.all(users.map(({ hash, attempt }) => hasher.verify(attempt, hash, client)))
    })
    expect(matches).toEqual(users.map(({ attempt }) => attempt === password))
    expect(pairs).toHaveLength(availableParallelism() + 2)
    expect(pairs.map(({ cost }) => cost)).toEqual(pairs.map(() => 6))
  })

  it('compares a hash of a higher cost by itself', async () => {
    const costly = await createHasher({ cost: 6 }).hash(password, client)
    const hasher = createHasher({ cost: 5, queueLimit: 1000 })
    const pairs = await pairsDuring(async () => {
      const all = Array.from({ length: availableParallelism() + 4 }, () => hasher.verify(password, costly, client))
      expect(await Promise.all(all)).not.toContain(false)
    })
    expect(pairs).toEqual([])
  })

  it('lets a dummy share the place of a comparison, which keeps its own result', async () => {
    const hasher = createHasher({ queueLimit: 1000 })
    const hash = await hasher.hash(password, client)
    const works = Array.from({ length: 2 * availableParallelism() }, (_, index) => index % 2 === 0)
    let results: unknown[] = []
    const pairs = await pairsDuring(async () => {
      results = await Promise.all(
        works.map((real) => (real ? hasher.verify(password, hash, client) : hasher.dummyVerify(client))),
      )
    })
    expect(results).toEqual(works.map((real) => (real ? true : undefined)))
    expect(pairs).toEqual([])
    expect(hasher.queue()).toMatchObject({ waiting: 0, running: 0 })
  })

  it('compares one after the other when there can be no thread, and says so', async () => {
    const failures: unknown[] = []
    const hasher = createBcryptHasher({
      cost: 4,
      peppers: [],
      queueLimit: 1000,
      onPairFailure: (error) => failures.push(error),
    })
    const hash = await hasher.hash(password, client)
    const { compare } = bcryptPairs
    const noThread = new Error('no thread')
    bcryptPairs.compare = () => Promise.reject(noThread)
    try {
      const attempts = Array.from({ length: 2 * availableParallelism() }, (_, index) =>
        hasher.verify(index % 2 === 0 ? password : 'another password', hash, client),
      )
      expect(await Promise.all(attempts)).toEqual(attempts.map((_, index) => index % 2 === 0))
    } finally {
      bcryptPairs.compare = compare
    }
    expect(failures).toEqual([noThread])
  })
})
