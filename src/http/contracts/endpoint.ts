import type { z } from 'zod'
import type { AuthenticatedCaller, Caller, ReadingCaller } from '../../kernel/caller.ts'
import type { ErrorDefinition } from '../../kernel/errors.ts'

/**
 * The caller has to show: nothing, a live access token, a refresh token (in the input), or either of the last two. For
 * `bearer_to_read` an access token of Django is enough, where the settings accept those: the endpoint must change nothing.
 */
export type Access = 'public' | 'bearer' | 'bearer_to_read' | 'refresh' | 'bearer_or_refresh'

/** The topic of endpoints. Documents group the operations by it. */
interface Topic {
  readonly name: string
  readonly description: string
}

/**
 * The cost of a request. `costly`: it takes a password or sends a mail; such requests are refused while they cannot be
 * counted, and are counted by the site of an IPv6 address as well. `change`: a row changes, or a token is verified,
 * which applications do in parallel and from behind one office address. `read`: nothing changes. A GET of
 * this class answers HEAD too.
 */
export type RateClass = 'costly' | 'change' | 'read'

/** The class of the endpoint's own bucket, or a bucket that is shared by endpoints that do the same thing. */
type RateLimit = RateClass | Bucket

export interface Bucket {
  readonly class: RateClass
  readonly bucket: string
}

type CallerFor<A extends Access> = A extends 'bearer'
  ? AuthenticatedCaller
  : A extends 'bearer_to_read'
    ? ReadingCaller
    : Caller

/** Whether the caller has to show an access token. */
export function needsAccessToken(access: Access | undefined): boolean {
  return access === 'bearer' || access === 'bearer_to_read'
}

/** `POST /reset_password`; parameters are written `{id}` and arrive as fields of the input. */
type Route = `${'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'} /${string}`

/** A cookie that a browser keeps for so many seconds. */
export type CookieChange = { readonly value: string; readonly lifetime: number } | 'forgotten'

interface Metadata<A extends Access> {
  /** The operation's id in logs, metrics and documents. */
  readonly name: string
  /** Where our own API serves it; absent where published contracts alone do. */
  readonly route?: Route
  readonly summary: string
  /** In sentences: what it does, what it changes, and what is mailed, in words that hold for every contract. */
  readonly description: string
  readonly topic: Topic
  readonly access: A
  readonly limit: RateLimit
  readonly status: 200 | 201 | 204
  /** Whether it verifies a password, and so treats trusted devices differently. */
  readonly trustsDevice?: true
  /** Whether the caller is logged out afterwards: no gate is asked, and a browser is told to clear what it keeps of this origin. */
  readonly logsOut?: true
  /** The step of a gate that it takes: the gate that asks for the step lets it through. */
  readonly takesStep?: string
  /** Its errors, beside those that any request with this access may meet. */
  readonly errors: readonly ErrorDefinition[]
}

/** A number of seconds, minutes, hours or days. */
type Duration = `${number}${'s' | 'm' | 'h' | 'd'}`

interface Declaration<
  Needs,
  A extends Access,
  Input extends z.ZodObject,
  Output extends z.ZodType,
  Result extends z.input<Output>,
> extends Metadata<A> {
  readonly input: Input
  /** Only the fields that it names are sent. */
  readonly output: Output
  readonly handle: (needs: Needs, input: z.output<Input>, caller: CallerFor<A>) => Promise<Result>
  /** How long ago the user may have authenticated at most: gates are asked once the input is valid, before anything is done. */
  readonly fresh?: A extends 'bearer' ? Duration : never
  /** Whether `fresh` is demanded of this request; of every request where it is absent. */
  readonly freshWhen?: (input: z.output<Input>, caller: AuthenticatedCaller) => boolean
  /**
   * The changes of cookies, by name. `refresh` takes the place of the token in the body for clients whose refresh tokens travel in
   * cookies; any other comes beside the body, for pages of this and of the listed origins.
   */
  readonly cookies?: Readonly<Record<string, (result: NoInfer<Result>) => CookieChange | undefined>>
}

/** An endpoint whose parsed input and caller are known to its own handler only. */
export interface Endpoint<Needs, Input extends z.ZodObject = z.ZodObject, Result = unknown> extends Metadata<Access> {
  readonly input: Input
  readonly output: z.ZodType
  // biome-ignore lint/suspicious/noExplicitAny: endpoint() has checked the handler against its schemas; here they are forgotten.
  readonly handle: (needs: Needs, input: any, caller: any) => Promise<Result>
  readonly fresh?: Duration
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  readonly freshWhen?: (input: any, caller: AuthenticatedCaller) => boolean
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  readonly cookies?: Readonly<Record<string, (result: any) => CookieChange | undefined>>
}

/** The bucket that requests of the endpoint are counted in. */
export function bucketOf({ name, limit }: Pick<Metadata<Access>, 'name' | 'limit'>): Bucket {
  return typeof limit === 'string' ? { class: limit, bucket: name } : limit
}

/** Declares an endpoint: everything else about it is derived from this. */
export function endpoint<
  Needs,
  A extends Access,
  Input extends z.ZodObject,
  Output extends z.ZodType,
  Result extends z.input<Output>,
>(declaration: Declaration<Needs, A, Input, Output, Result>): Endpoint<Needs, Input, Result> {
  return declaration
}
