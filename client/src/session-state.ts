import type { AccessToken, TokenAnswer } from './access-token.ts'
import { readAccessToken } from './access-token.ts'
import { now, since } from './clock.ts'
import type { RefreshTokenStore } from './refresh-token-store.ts'
import type { AuthState, EndReason, User } from './types.ts'

/** What tabs tell each other. */
export type News =
  | (Beginning & { readonly answer: TokenAnswer; readonly age: number; readonly sentAt: number })
  | { readonly endedId: string; readonly reason: EndReason | undefined }

interface Beginning {
  /** Whether a login has brought the tokens. */
  readonly isLogin: boolean
  readonly user?: User | undefined
}

/** What this tab knows about its session, and whom it tells. */
export interface SessionState {
  /** Undefined until the server was asked. */
  readonly status: AuthState['status'] | undefined
  readonly accessToken: AccessToken | undefined
  readonly user: User | undefined
  /** Another number after each login, logout or end: what was begun before it concerns another session. */
  readonly epoch: number
  /** Goes on with the tokens of an answer that has just arrived. */
  begin(answer: TokenAnswer, beginning: Beginning): void
  setUser(user: User): void
  end(reason?: EndReason): void
  hear(news: News): void
  onChange(listener: (state: AuthState) => void): () => void
}

interface Needs {
  readonly store: RefreshTokenStore
  readonly tell: (news: News) => void
  /** Called when a session is known and its user is not. */
  readonly onUnknownUser: () => void
}

export function createSessionState({ store, tell, onUnknownUser }: Needs): SessionState {
  const listeners = new Set<(state: AuthState) => void>()
  let status: AuthState['status'] | undefined
  let accessToken: AccessToken | undefined
  let answer: TokenAnswer | undefined
  let user: User | undefined
  let reason: EndReason | undefined
  let epoch = 0
  let announced = ''

  /** Undefined while something is missing. */
  function current(): AuthState | undefined {
    if (status === 'out') return { status, reason }
    return status && user && { status, user }
  }

  /** Later, so that listeners can call the client, and their exceptions are their own. */
  function announce(): void {
    const state = current()
    const text = JSON.stringify(state)
    if (!state || text === announced) return
    announced = text
    for (const listener of listeners) queueMicrotask(() => listener(state))
  }

  function enter(next: AccessToken, given: TokenAnswer, itsUser: User | undefined): void {
    if (next.sessionId !== accessToken?.sessionId) epoch += 1
    status = 'in'
    accessToken = next
    answer = given
    user = itsUser ?? (user?.uuid === next.userId ? user : undefined)
    reason = undefined
    announce()
    if (!user) onUnknownUser()
  }

  function leave(why: EndReason | undefined): void {
    epoch += 1
    status = 'out'
    accessToken = answer = user = undefined
    reason = why
    announce()
  }

  function share(isLogin: boolean): void {
    if (!answer || !accessToken) return
    tell({ answer, age: since(accessToken.arrived), sentAt: Date.now(), isLogin, user })
  }

  /** Whether another tab's tokens are to be used here. A refresh that was slower than a login or logout brings back no session. */
  function isNews(next: AccessToken, isLogin: boolean): boolean {
    if (next.sessionId !== accessToken?.sessionId) return isLogin || !status
    return next.generation >= accessToken.generation
  }

  return {
    get status() {
      return status
    },
    get accessToken() {
      return accessToken
    },
    get user() {
      return user
    },
    get epoch() {
      return epoch
    },

    begin(given, { user: itsUser, isLogin }) {
      const next = readAccessToken(given, now())
      // Another tab may have refreshed at the same time, and once more.
      if (next.sessionId === accessToken?.sessionId && next.generation < accessToken.generation) return
      store.write(given.refresh_token)
      enter(next, given, itsUser)
      share(isLogin)
    },

    setUser(given) {
      if (given.uuid !== accessToken?.userId) return
      user = given
      announce()
      share(false)
    },

    end(why) {
      const endedId = accessToken?.sessionId
      store.write(undefined)
      leave(why)
      if (endedId !== undefined) tell({ endedId, reason: why })
    },

    hear(news) {
      if ('endedId' in news) {
        if (news.endedId !== accessToken?.sessionId) return
        store.remember(undefined)
        return leave(news.reason)
      }
      // A tab that was frozen hears it late.
      const age = news.age + Math.max(0, Date.now() - news.sentAt)
      const { monotonic, wall } = now()
      const next = readAccessToken(news.answer, { monotonic: monotonic - age, wall: wall - age })
      if (!isNews(next, news.isLogin)) return
      // The other tab has written it where all tabs find it.
      store.remember(news.answer.refresh_token)
      enter(next, news.answer, news.user)
    },

    onChange(listener) {
      listeners.add(listener)
      const state = current()
      if (state) queueMicrotask(() => listeners.has(listener) && listener(state))
      return () => void listeners.delete(listener)
    },
  }
}
