/** A user's id as Django writes it into links (uidb64): the unpadded base64url of its decimal digits. */
export function uidOf(userId: number): string {
  return Buffer.from(String(userId)).toString('base64url')
}

/** The id in a link; undefined for every spelling but the one that uidOf gives, as decoders also take others. */
export function userIdIn(uid: string): number | undefined {
  const userId = Number(Buffer.from(uid, 'base64url').toString())
  return Number.isSafeInteger(userId) && uidOf(userId) === uid ? userId : undefined
}
