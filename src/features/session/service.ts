import { z } from 'zod'
import type { AuthenticatedCaller, Caller, ReadingCaller } from '../../kernel/caller.ts'
import type { User } from '../../kernel/db.ts'
import { AuthError } from '../../kernel/errors.ts'
import type { Ports, TokenClaims } from '../../kernel/ports.ts'
import type { UnitOfWork } from '../../kernel/unit-of-work.ts'
import type { DjangoTokenStore, DjangoTokens } from '../django-tokens/index.ts'
import type { UserStore } from '../user/index.ts'
import { createDjangoSwap } from './django-swap.ts'
import { endAllSessions } from './end-all.ts'
import { sessionErrors } from './errors.ts'
import type { Gates } from './gates.ts'
import { createGrace } from './grace.ts'
import type { Introspection } from './introspection.ts'
import { createIntrospection } from './introspection.ts'
import type { Rotation, SessionStores } from './rotation.ts'
import { createRotation } from './rotation.ts'
import type { SessionPage } from './schemas.ts'
import { sessionReply } from './session-reply.ts'
import { findById, findLiveById, matchesSession, refuseEnded } from './state.ts'
import type { ConfirmedPassword } from './statements/open-session.ts'
import type { SessionOfUser } from './store.ts'
import { createTokenPresentation, verifyBearer } from './token-verification.ts'

/** Sessions and the tokens that are their image. */
export interface SessionService extends Rotation, Introspection {
  /**
   * Opens a session of the user, who has proven or just set this password: the only way to open one. Undefined when the
   * password has changed meanwhile, or the user is gone or disabled. Throws what a gate says.
   */
  open(stores: Pick<SessionStores, 'sessions'>, login: Login, caller: Caller): Promise<SessionOfUser | undefined>
  /**
   * The live session of the bearer token. Throws why there is none, or the answer of a gate; but no gate stops a
   * logout, or the step that it asks for.
   */
  authenticate(
    caller: Caller,
    purpose: { readonly logsOut?: boolean; readonly takesStep?: string },
  ): Promise<AuthenticatedCaller>
  /** The same for an endpoint that reads: an access token of Django is enough where the settings accept those. */
  authenticateToRead(caller: Caller): Promise<ReadingCaller>
  /** Throws what a gate answers when the user may have authenticated so many seconds ago at most. */
  requireRecent(caller: AuthenticatedCaller, maxAge: number): Promise<void>
  /** Throws if the caller's session has ended meanwhile, and so rolls the transaction back that the stores are of. */
  requireLive(stores: Pick<SessionStores, 'sessions'>, caller: AuthenticatedCaller): Promise<void>
  /** A page of the caller's live sessions, newest first. Throws `cursor_invalid`. */
  list(
    page: { readonly cursor: string | undefined; readonly limit: number },
    caller: ReadingCaller,
  ): Promise<SessionPage>
  /** Ends one of the caller's own live sessions. Throws `session_not_found`. */
  end(id: string, caller: AuthenticatedCaller): Promise<void>
  /** Ends every session that one of the given tokens stands for, living or not. Throws when no token is good for that. */
  logOut(refreshToken: string | undefined, caller: Caller): Promise<void>
  /** Ends all sessions of the caller and says how many lived. */
  logOutEverywhere(caller: AuthenticatedCaller): Promise<number>
}

interface Login {
  readonly user: User
  readonly password: ConfirmedPassword
  /** The steps that were taken to log in. */
  readonly passed: readonly string[]
}

interface SessionSettings {
  /** How many sessions of a user may live at once. */
  readonly sessionsPerUser: number
  /** Whether an access token is enough for the next pair. */
  readonly tokensByBearer: boolean
  /** Seconds during which the predecessor of the current tokens still gets the current pair. */
  readonly refreshGrace: number
  /** Seconds during which a refresh token does so while no token of the current pair has been seen; 0 for never. */
  readonly refreshGraceUnseen: number
}

interface Needs {
  readonly ports: Pick<Ports, 'clock' | 'signer'>
  readonly work: UnitOfWork<SessionStores & { readonly users: UserStore; readonly djangoTokens: DjangoTokenStore }>
  readonly settings: SessionSettings
  readonly gates: Gates
  /** Absent: no token of Django is accepted. */
  readonly djangoTokens: DjangoTokens | undefined
  /** Whether access tokens of Django are accepted as well. */
  readonly takesDjangoAccess: boolean
}

export function createSessions({
  ports,
  work,
  settings,
  gates,
  djangoTokens,
  takesDjangoAccess,
}: Needs): SessionService {
  const { clock, signer } = ports
  const { stores, transaction } = work
  const { sessionsPerUser, tokensByBearer, refreshGraceUnseen } = settings
  const grace = createGrace({ clock, store: stores.sessions, ...settings })
  const watchesTokens = refreshGraceUnseen > 0
  const djangoSwap =
    djangoTokens && createDjangoSwap({ clock, work, gates, djangoTokens, sessionsPerUser, watchesTokens })
  const present = createTokenPresentation({ signer, djangoSwap })
  const rotation = createRotation({ ports, work, gates, grace, present, tokensByBearer, watchesTokens })
  const djangoKinds = takesDjangoAccess ? (['refresh', 'access'] as const) : (['refresh'] as const)
  const introspection = createIntrospection({ ports, stores, gates, grace, djangoTokens, djangoKinds })

  /** The claims of the caller's access token. Throws why they cannot be believed. */
  async function claimsOfBearer(caller: Caller): Promise<TokenClaims> {
    const { state, claims } = verifyBearer(caller, signer)
    if (state === 'valid') return claims
    await grace.noteSeen(claims)
    throw new AuthError(sessionErrors.access_token_expired)
  }

  async function endSessionOf({ sid, user_id }: TokenClaims, caller: Caller): Promise<void> {
    await stores.sessions.end({ id: sid, userId: user_id }, 'logout', caller)
  }

  async function authenticate(
    caller: Caller,
    { logsOut = false, takesStep }: Parameters<SessionService['authenticate']>[1],
  ): Promise<AuthenticatedCaller> {
    const claims = await claimsOfBearer(caller)
    const found = await findById(claims.sid, stores.sessions)
    if (!matchesSession(claims, 'access', found)) throw new AuthError(sessionErrors.token_invalid)
    refuseEnded(found, clock.now(), sessionErrors.session_expired)
    await grace.noteSeen(claims, found)
    const { user } = found
    const passed = takesStep === undefined ? [] : [takesStep]
    if (!logsOut) await gates.pass({ occasion: 'use', user, session: found, caller, passed })
    return { ...caller, session: found, user, generation: claims.generation }
  }

  return {
    ...rotation,
    ...introspection,

    async open({ sessions }, { user, password, passed }, caller) {
      await gates.pass({ occasion: 'open', user, caller, passed })
      return sessions.open({ user, password, sessionsPerUser }, caller)
    },

    authenticate,

    async authenticateToRead(caller) {
      const { bearer } = caller
      const isForeign = takesDjangoAccess && bearer !== undefined && signer.verify('access', bearer).state === 'invalid'
      return (isForeign && (await djangoSwap?.read(bearer, caller))) || authenticate(caller, {})
    },

    requireRecent: (caller, maxAge) =>
      gates.pass({ occasion: 'sensitive', user: caller.user, session: caller.session, caller, passed: [], maxAge }),

    async requireLive({ sessions }, { session }) {
      await findLiveById(session.id, sessions, clock.now())
    },

    async list(place, { user, session: current }) {
      const owner = { userId: user.id, epoch: user.sessionEpoch }
      const { sessions, nextCursor } = await stores.sessions.page(owner, place)
      const total = await stores.sessions.count(owner)
      return { sessions: sessions.map((session) => sessionReply(session, current)), total, next_cursor: nextCursor }
    },

    async end(id, caller) {
      const session = { id, userId: caller.user.id }
      const isId = z.uuid().safeParse(id).success
      const isEnded = isId && (await stores.sessions.end(session, 'ended_by_user', caller))
      if (!isEnded) throw new AuthError(sessionErrors.session_not_found)
    },

    async logOut(refreshToken, caller) {
      if (refreshToken === undefined) return endSessionOf(await claimsOfBearer(caller), caller)
      const refresh = signer.verify('refresh', refreshToken)
      if (refresh.state !== 'invalid') await endSessionOf(refresh.claims, caller)
      else if (!(await djangoSwap?.logOut(refreshToken, caller))) throw new AuthError(sessionErrors.token_invalid)
      // When both tokens are sent, both sessions end.
      const access = caller.bearer === undefined ? undefined : signer.verify('access', caller.bearer)
      if (access?.state === 'valid') await endSessionOf(access.claims, caller)
    },

    logOutEverywhere: (caller) =>
      transaction((within) => endAllSessions(within, { userId: caller.user.id, reason: 'logout' }, caller)),
  }
}
