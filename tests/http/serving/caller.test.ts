import type { Request } from 'express'
import { isLocal } from '../../../src/http/serving/caller.ts'

const from = (remoteAddress: string) => isLocal({ socket: { remoteAddress }, headers: {} } as Request)

describe('a request', () => {
  it.each(['127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1'])('from %s was sent on this machine', (address) => {
    expect(from(address)).toBe(true)
  })

  it.each(['10.0.0.7', '192.168.1.7', '::ffff:192.168.1.7', 'fe80::1', '2001:db8::1', '0.0.0.0', '::', ''])(
    'from %j was sent elsewhere',
    (address) => {
      expect(from(address)).toBe(false)
    },
  )
})
