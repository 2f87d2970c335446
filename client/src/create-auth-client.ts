import type { TokenAnswer } from './access-token.ts'
import { isDue } from './access-token.ts'
import { createApi } from './api.ts'
import { createAuthFetch } from './auth-fetch.ts'
import type { Call } from './call.ts'
import { createCall } from './call.ts'
import { ProblemError, readReply } from './problem.ts'
import { createRefreshTokenStore } from './refresh-token-store.ts'
import type { News } from './session-state.ts'
import { createSessionState } from './session-state.ts'
import type { Tabs } from './tabs.ts'
import { createTabs, noTabs } from './tabs.ts'
import { createTokens } from './tokens.ts'
import type {
  AuthClientOptions,
  AuthState,
  Credentials,
  PendingRegistration,
  Registration,
  Session,
  Step,
  User,
} from './types.ts'

export interface AuthClient {
  /** Makes an account and logs in; where addresses must be verified first, it is pending. */
  register(
    account: Registration,
  ): Promise<{ user: User; pending?: never } | { pending: PendingRegistration; user?: never }>
  logIn(credentials: Credentials): Promise<{ user: User; step?: never } | { step: Step; user?: never }>
  /** Ends this session, or all sessions of the user. */
  logOut(options?: { readonly everywhere?: boolean }): Promise<void>
  /** The user who is logged in; asks the server when that is not known. */
  user(): Promise<User | undefined>
  /** The session as the server has it now. */
  session(): Promise<Session | undefined>
  /** Calls back with the state as soon as it is known, and after each change. Returns the function that ends that. */
  onChange(listener: (state: AuthState) => void): () => void
  /** fetch() with the access token. */
  readonly fetch: typeof fetch
  /** Calls an operation of the server's API. Rejects with a ProblemError unless it succeeds. */
  readonly call: Call
  /** Stops to listen to other tabs. */
  close(): void
}

export function createAuthClient(options: AuthClientOptions): AuthClient {
  const api = createApi(options)
  const key = `auth:${api.transport}:${api.address}`
  const isLocal = api.transport === 'body' && options.storage === 'local'
  const isShared = typeof document !== 'undefined' && (api.transport === 'cookie' || isLocal)

  const store = createRefreshTokenStore(isLocal ? key : undefined)
  const tabs: Tabs<News> = isShared ? createTabs(key, { onNews: (news) => state.hear(news), onReturn }) : noTabs
  const state = createSessionState({ store, tell: tabs.tell, onUnknownUser: () => void load().catch(ignore) })
  const tokens = createTokens({ api, state, store, tabs })
  const authFetch = createAuthFetch({ api, state, tokens, options })
  const call = createCall({ api, fetch: authFetch })

  /** News do not reach a page in the back-forward cache, and timers do not run while the machine sleeps. */
  function onReturn(isRestored: boolean): void {
    const isOld = state.accessToken && isDue(state.accessToken)
    if (isOld || (isRestored && state.status)) tokens.refresh().catch(ignore)
  }

  let loading: ReturnType<typeof readSession> | undefined
  const readSession = () => call('GET /session')

  async function load() {
    loading ??= readSession().finally(() => {
      loading = undefined
    })
    const reply = await loading
    state.setUser(reply.user)
    return reply
  }

  /** Only when no other tab is changing the session, as the slower of two answers would have the last word about the cookie. */
  async function alone<Result>(work: () => Promise<Result>): Promise<Result> {
    const release = await tabs.alone()
    try {
      return await work()
    } finally {
      release()
    }
  }

  async function enter<Reply extends object>(path: string, body: object): Promise<Reply> {
    return alone(async () => {
      const reply = (await readReply(await api.post(path, body))) as Reply
      if ('user' in reply) state.begin(reply as unknown as TokenAnswer, { isLogin: true, user: reply.user as User })
      return reply
    })
  }

  return {
    async register(account) {
      const reply = await enter<{ user: User } | PendingRegistration>('/register_credentials', account)
      return 'user' in reply ? { user: reply.user } : { pending: reply }
    },

    async logIn(credentials) {
      try {
        const { user } = await enter<{ user: User }>('/login_credentials', credentials)
        return { user }
      } catch (error) {
        if (error instanceof ProblemError && error.step) return { step: error.step }
        throw error
      }
    },

    async logOut({ everywhere = false } = {}) {
      if (everywhere) {
        await readReply(await authFetch(`${api.address}/logout_all`, { method: 'POST' }))
        return state.end()
      }
      await alone(async () => {
        const refreshToken = store.read()
        const bearer = state.accessToken && { Authorization: `Bearer ${state.accessToken.text}` }
        const body = refreshToken === undefined ? {} : { refresh_token: refreshToken }
        const response = await api.post('/logout', body, { headers: { 'Content-Type': 'application/json', ...bearer } })
        // A token that is refused has no session to end.
        if (response.status !== 401) await readReply(response)
        state.end()
      })
    },

    async user() {
      if (!state.user && (await tokens.current())) await load()
      return state.user
    },

    async session() {
      // Null is for access tokens of Django, of which this client has none.
      return (await tokens.current()) ? ((await load()).session ?? undefined) : undefined
    },

    onChange: state.onChange,
    fetch: authFetch,
    call,
    close: tabs.close,
  }
}

function ignore(): void {}
