import { createMailTokens } from '../../../src/features/mail/index.ts'
import { times } from '../../support/answers.ts'
import { createMailWorld } from '../../support/mail-world.ts'

let world: Awaited<ReturnType<typeof createMailWorld>>
let tokens: ReturnType<typeof createMailTokens>
let targets = 0

beforeAll(async () => {
  world = await createMailWorld()
  tokens = createMailTokens(world)
})
afterAll(() => world.close())

const aTarget = () => `target-${++targets}`
const purpose = 'reset_password'
const email = 'ada@example.com'

describe('mail tokens', () => {
  it('are valid for their purpose and target until they are spent', async () => {
    const targetId = aTarget()
    const token = await tokens.issue({ purpose, targetId, email })
    expect(token).toMatch(/^[\w-]{43}$/)
    const live = { token, purpose, targetId, email, isSpent: false }
    expect(await tokens.find({ purposes: [purpose], token })).toEqual(live)
    expect(await tokens.find({ purposes: [purpose], token })).toEqual(live)
    expect(await tokens.spend({ purpose, token })).toBe(true)
    expect(await tokens.find({ purposes: [purpose], token })).toEqual({ ...live, isSpent: true })
    expect(await tokens.spend({ purpose, token })).toBe(false)
  })

  it('are spent once, even when fifty requests race', async () => {
    const token = await tokens.issue({ purpose, targetId: aTarget(), email })
    const answers = await times(50, () => tokens.spend({ purpose, token }))
    expect(answers.filter(Boolean)).toHaveLength(1)
  })

  it('are revoked when a newer one is issued, even after the older was spent', async () => {
    const targetId = aTarget()
    const older = await tokens.issue({ purpose, targetId, email })
    const newer = await tokens.issue({ purpose, targetId, email })
    expect(await tokens.find({ purposes: [purpose], token: older })).toBeUndefined()
    expect(await tokens.spend({ purpose, token: older })).toBe(false)
    expect(await tokens.spend({ purpose, token: newer })).toBe(true)
    const newest = await tokens.issue({ purpose, targetId, email: 'new@example.com' })
    expect(await tokens.find({ purposes: [purpose], token: newest })).toMatchObject({
      targetId,
      email: 'new@example.com',
    })
    expect(await tokens.spend({ purpose, token: newer })).toBe(false)
  })

  it('leave exactly one valid, even when fifty are issued at once', async () => {
    const targetId = aTarget()
    const issued = await times(50, () => tokens.issue({ purpose, targetId, email }))
    const found = await Promise.all(issued.map((token) => tokens.find({ purposes: [purpose], token })))
    expect(found.filter(Boolean)).toHaveLength(1)
  })

  it('serve one purpose and one target', async () => {
    const targetId = aTarget()
    const reset = await tokens.issue({ purpose: 'reset_password', targetId, email })
    const verify = await tokens.issue({ purpose: 'verify_email', targetId, email })
    const other = await tokens.issue({ purpose: 'reset_password', targetId: aTarget(), email })
    expect(await tokens.find({ purposes: ['verify_email'], token: reset })).toBeUndefined()
    expect(await tokens.spend({ purpose: 'verify_email', token: reset })).toBe(false)
    for (const token of [reset, other]) expect(await tokens.spend({ purpose: 'reset_password', token })).toBe(true)
    expect(await tokens.spend({ purpose: 'verify_email', token: verify })).toBe(true)
  })

  it.each([
    ['reset_password', 30 * 60],
    ['verify_email', 24 * 3600],
    ['verify_registration', 24 * 3600],
    ['complete_registration', 24 * 3600],
  ] as const)('of %s are valid for %d seconds', async (purpose, lifetime) => {
    const token = await tokens.issue({ purpose, targetId: aTarget(), email })
    world.pass(lifetime - 1)
    expect(await tokens.find({ purposes: [purpose], token })).toBeDefined()
    world.pass(1)
    expect(await tokens.find({ purposes: [purpose], token })).toBeUndefined()
    expect(await tokens.spend({ purpose, token })).toBe(false)
  })

  it('can be revoked', async () => {
    const targetId = aTarget()
    const token = await tokens.issue({ purpose, targetId, email })
    await tokens.revoke({ purpose, targetId: aTarget() })
    expect(await tokens.find({ purposes: [purpose], token })).toBeDefined()
    await tokens.revoke({ purpose, targetId })
    expect(await tokens.spend({ purpose, token })).toBe(false)
  })

  it('are not in the database', async () => {
    const token = await tokens.issue({ purpose, targetId: aTarget(), email })
    expect(JSON.stringify(await world.db.mailToken.findMany())).not.toContain(token)
  })

  it.each(['', '\0', '\ud800', "' OR 1=1 --", 'x'.repeat(100_000), '{"not":""}'])('are not %j', async (token) => {
    expect(await tokens.find({ purposes: [purpose], token })).toBeUndefined()
    expect(await tokens.spend({ purpose, token })).toBe(false)
  })
})
