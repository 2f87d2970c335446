import { randomBytes } from 'node:crypto'

/** Up to the year 10889, in the first six bytes. */
const instantBytes = 6

/**
 * The id of a session that ends at that instant: a UUID of version 8 which begins with the milliseconds since 1970, and is random in its
 * other 74 bits. So the index of the ids finds the sessions that are over, and no login has to write a second one for it.
 */
export function createSessionId(endsAt: Date): string {
  return uuidOf(endsAt, randomBytes(16))
}

/** Below every id of a session that ends at that instant or later, and above all that end earlier. */
export function lowestSessionId(endsAt: Date): string {
  return uuidOf(endsAt, Buffer.alloc(16))
}

function uuidOf(endsAt: Date, bytes: Buffer): string {
  bytes.writeUIntBE(endsAt.getTime(), 0, instantBytes)
  // The version and the variant.
  bytes.writeUInt8(0x80 | (bytes.readUInt8(6) & 0x0f), 6)
  bytes.writeUInt8(0x80 | (bytes.readUInt8(8) & 0x3f), 8)
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
