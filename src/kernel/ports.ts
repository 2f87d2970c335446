import type { Django } from './django.ts'
import type { Meter } from './meter.ts'

/** The ports: the outside world as the features see it. Tests replace these and nothing else. */

export interface Clock {
  now(): Date
}

export interface Logger {
  /** Whether lines of level `info` are written. If not, callers need not collect their content. */
  readonly writesInfo: boolean
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

/** The trace that a request belongs to, as its sender says (W3C Trace Context). */
export interface TraceContext {
  readonly traceId: string
  /** The span of the sender. */
  readonly parentId: string
  /** Whether the sender records the trace. */
  readonly isSampled: boolean
}

/** Begins the span of a request, where traces are kept. */
export type StartRequestSpan = (method: string, parent: TraceContext | undefined) => RequestSpan

interface RequestSpan {
  readonly traceId: string
  /** What begins in the work becomes a part of the request. */
  readonly run: (work: () => void) => void
  readonly end: (request: {
    readonly requestId: string
    readonly route: string | undefined
    readonly contract: string | undefined
    readonly endpoint: string | undefined
    readonly status: number | undefined
    readonly code: string | undefined
  }) => void
}

/** Hashing waits for a core in a fair queue. `client` is the network that the work is for; the networks take turns. */
export interface PasswordHasher {
  /** Hashes with the current scheme, pepper and cost. Throws `overloaded` when too many wait already. */
  hash(password: string, client: string): Promise<string>
  /** Hashes as Django does by default. Throws `overloaded` likewise. */
  hashForDjango(password: string, client: string): Promise<string>
  /**
   * Compares; with no stored hash, or one of a lower cost than today's, it takes the same time. Throws `overloaded`
   * when too many wait already.
   */
  verify(password: string, storedHash: string | undefined, client: string): Promise<boolean>
  /** Holds a place in the queue for as long as a comparison usually takes, without computing. Throws `overloaded` like one. */
  dummyVerify(client: string): Promise<void>
  /** Waits for a random time of up to half a comparison, which hides the milliseconds by which refusals differ. */
  jitter(): Promise<void>
  /** Whether a new hash of the password, which is right, is to replace the stored one: it has another scheme, pepper or cost than today's. */
  isOutdated(storedHash: string, password: string): boolean
}

/** The passwords that wait to be hashed, those that are hashed now, and how many can wait. */
export interface HashQueue {
  readonly waiting: number
  readonly running: number
  readonly limit: number
}

export interface Mail {
  /** The same at each try: the Message-ID is made of it, so that mail programs show two copies as one. */
  readonly id: string
  readonly recipient: string
  readonly subject: string
  readonly text: string
  readonly html: string
}

/** The mail server to send mails with. */
export interface SmtpSettings {
  readonly host: string
  readonly port: number
  /** TLS from the first byte, with a valid certificate. */
  readonly useSsl: boolean
  /** Nothing is sent without TLS, from the first byte or by STARTTLS, and a valid certificate. */
  readonly useTls: boolean
  /** The authorities to trust in place of those that Node brings, in PEM. */
  readonly ca: string | undefined
  /** The name by which this machine introduces itself; absent: its host name. */
  readonly ehloName: string | undefined
  readonly user: string | undefined
  readonly password: string | undefined
}

/** The mail server says that the recipient's address is wrong, which trying again will not change. */
export class MailRefused extends Error {}

/** The mail server refuses this mail for what is in it, which says nothing about other mails to the address. */
export class MailContentsRefused extends Error {}

export interface Mailer {
  /** Hands the mail over. Throws MailRefused when the address is wrong; any other error, MailContentsRefused among them, may pass. */
  send(mail: Mail): Promise<void>
}

/** How often something happened in the current window of time, and when that ends. */
interface Count {
  readonly totalHits: number
  readonly resetTime: Date | undefined
}

/** Counts what happens at all instances together. */
export interface SharedCounter {
  /** Counts one more. Throws `limits_unavailable` at once while counts cannot be kept. */
  increment(key: string): Promise<Count>
}

/** The counter of this name, the same at every instance. */
export type SharedCounters = (name: string, windowMs: number) => SharedCounter

/** A phone number as it is stored, in E.164 with an extension as RFC 3966 writes it; or why the text is none. */
export type PhoneNumberParse =
  | { readonly state: 'read'; readonly number: string }
  | { readonly state: 'no_number' | 'country_missing' | 'country_unknown' | 'too_short' | 'too_long' }

export interface PhoneNumbers {
  /** Reads a phone number as users write it. */
  read(text: string): PhoneNumberParse
}

export type TokenKind = 'access' | 'refresh'

/** The claims that both kinds of token carry. Instants are in seconds since 1970. */
export interface TokenClaims {
  readonly sub: string
  readonly user_id: number
  readonly sid: string
  readonly generation: number
  readonly iat: number
  readonly exp: number
}

export type TokenVerification =
  | { readonly state: 'valid' | 'expired'; readonly claims: TokenClaims }
  | { readonly state: 'invalid' }

export interface TokenSigner {
  /** The same claims give the same bytes. */
  sign(kind: TokenKind, claims: TokenClaims): string
  /** Reads a token of this kind; one of another kind, however well signed, is invalid. */
  verify(kind: TokenKind, token: string): TokenVerification
}

/** The outside world as the features need it; the database comes to them as stores (unit-of-work.ts). */
export interface Ports {
  readonly clock: Clock
  readonly logger: Logger
  readonly meter: Meter
  readonly hasher: PasswordHasher
  readonly signer: TokenSigner
  readonly phones: PhoneNumbers
  /** Absent: no token of Django is accepted. */
  readonly django: Django | undefined
  /** Absent: mails go to the development mailbox. */
  readonly mailer: Mailer | undefined
}
