import type { components, paths } from './generated/openapi.ts'

type Schemas = components['schemas']

export type User = Schemas['User']
export type Session = Schemas['Session']
export type Problem = Schemas['Problem']
/** An action that the server demands before a request can succeed, such as showing the password again. */
export type Step = Schemas['Step']
export type Registration = Schemas['RegisterRequest']
export type Credentials = Schemas['LogInRequest']
/** A registration that waits until its address is verified; it is no user yet. */
export type PendingRegistration = Extract<Schemas['RegisterReply'], { verification_required: true }>

/** Why a session ended: its refresh token was copied, it is too old or was idle too long, or it was ended elsewhere. */
export type EndReason = 'reuse' | 'expired' | 'revoked'

export type AuthState =
  | { readonly status: 'in'; readonly user: User; readonly reason?: undefined }
  /** The reason is absent after a logout, and where no session was known. */
  | { readonly status: 'out'; readonly user?: undefined; readonly reason: EndReason | undefined }

export interface AuthClientOptions {
  /** The address of the server, without `/api/v1/auth`. In a page, `''` is the origin of the page. */
  readonly baseUrl: string
  /** How the refresh token travels: in a cookie that no script reads, or in bodies. */
  readonly transport?: 'cookie' | 'body'
  /** Where the refresh token is kept with the transport `body`: in memory, or in localStorage, where all tabs share it. */
  readonly storage?: 'memory' | 'local'
  /** Origins of other services that get the access token, beside the server's own origin and that of the page. */
  readonly origins?: readonly string[]
  /** Takes a step that an answer asks for; the request is repeated unless this resolves to false. */
  readonly onStep?: (step: Step) => Promise<unknown>
}

type Method = 'get' | 'post' | 'put' | 'patch' | 'delete'

type DefinitionOf<Name> = Name extends `${infer M} ${infer Path}`
  ? Path extends keyof paths
    ? paths[Path][Lowercase<M> & keyof paths[Path]]
    : never
  : never

/** These open, renew or end sessions: the client has methods of its own for them. */
type OwnOperation = `POST /${'register_credentials' | 'login_credentials' | 'access_token' | 'logout' | 'logout_all'}`

type AnyOperation = {
  [Path in keyof paths]: {
    [M in Method]: paths[Path] extends Record<M, object> ? `${Uppercase<M>} ${Path}` : never
  }[Method]
}[keyof paths]

/** An operation of the server's API, such as `POST /change_password`. */
export type Operation = Exclude<AnyOperation, OwnOperation>

type BodyOf<Definition> = Definition extends { requestBody: { content: { 'application/json': infer Body } } }
  ? { readonly body: Body }
  : Definition extends { requestBody?: { content: { 'application/json': infer Body } } }
    ? { readonly body?: Body }
    : unknown
type PathOf<Definition> = Definition extends { parameters: { path: infer Path } } ? { readonly path: Path } : unknown
type QueryOf<Definition> = Definition extends { parameters: { query?: infer Query } }
  ? { readonly query?: Query }
  : unknown

/** What the operation takes: `body`, `path` and `query`, as far as it has them. */
export type InputOf<Name extends Operation> = BodyOf<DefinitionOf<Name>> &
  PathOf<DefinitionOf<Name>> &
  QueryOf<DefinitionOf<Name>>

/** What the operation answers with when it succeeds. */
export type ReplyOf<Name extends Operation> =
  DefinitionOf<Name> extends { responses: infer Responses }
    ? Responses extends { 200: { content: { 'application/json': infer Reply } } }
      ? Reply
      : undefined
    : never
