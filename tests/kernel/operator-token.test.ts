import { createOperatorToken, verifyOperatorToken } from '../../src/kernel/operator-token.ts'

const [one, two] = ['Zx81kQv0pLw7-mN4tRb2yHs6uJc9eFa3dGg5', 'Yw70jPu9oKv6-lM3sQa1xGr5tIb8dEz2cFf4'] as const
const now = new Date('2026-11-27T12:00:00Z')
const later = (seconds: number) => new Date(now.getTime() + seconds * 1000)

describe('an operator token', () => {
  const token = createOperatorToken([one], now)

  it('is good for a minute, with the key that made it or after its replacement', () => {
    expect(verifyOperatorToken(token, [one], now)).toBe(true)
    expect(verifyOperatorToken(token, [two, one], later(59))).toBe(true)
    expect(verifyOperatorToken(token, [one], later(60))).toBe(false)
    expect(verifyOperatorToken(token, [two], now)).toBe(false)
  })

  it('is not good with another end, or in another form', () => {
    const [expiry = '', signature = ''] = token.split('.')
    for (const forged of [`${Number(expiry) + 1}.${signature}`, `${expiry}.`, signature, '', `${token}x`]) {
      expect(verifyOperatorToken(forged, [one], now)).toBe(false)
    }
  })
})
