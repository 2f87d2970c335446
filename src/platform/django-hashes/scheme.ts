import { timingSafeEqual } from 'node:crypto'

/** The groups of a stored hash that its format names. */
export type HashParts = Readonly<Record<string, string>>

/** A way in which Django writes password hashes. */
export interface DjangoScheme {
  /** The whole stored text. */
  readonly format: RegExp
  /** Whether the parameters can be computed in a time that a login may take. Others are refused. */
  readonly isFeasible?: (parts: HashParts) => boolean
  /** How many bytes of a password count, where others are ignored. */
  readonly seenBytes?: number
  /** Whether the hash is that of the password, as bytes. */
  readonly matches: (password: Buffer, parts: HashParts) => Promise<boolean>
}

/** Compares in a time that depends on the length alone. */
export function areEqual(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other)
}
