import { canonicalAddress } from '../../../src/features/mail/sub-addresses.ts'

describe('the mailbox of an address', () => {
  it.each([
    ['ada@example.com', 'ada@example.com'],
    ['ada+shop@example.com', 'ada@example.com'],
    ['ada+shop+more@example.com', 'ada@example.com'],
    ['ada+@example.com', 'ada@example.com'],
    // With nothing before it, the sign is no separator.
    ['+ada@example.com', '+ada@example.com'],
    // Dots may tell two mailboxes apart, unless the provider says that they do not.
    ['a.da@example.com', 'a.da@example.com'],
    ['a.d.a+shop@gmail.com', 'ada@gmail.com'],
    ['a.da@googlemail.com', 'ada@gmail.com'],
    ['ada-shop@example.com', 'ada-shop@example.com'],
  ])('%s is %s', (email, mailbox) => {
    expect(canonicalAddress(email)).toBe(mailbox)
  })
})
