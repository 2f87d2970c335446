import { isAlive, isDue } from './access-token.ts'
import type { Api } from './api.ts'
import { sleep } from './clock.ts'
import { requestRefresh } from './refresh-request.ts'
import type { RefreshTokenStore } from './refresh-token-store.ts'
import type { SessionState } from './session-state.ts'
import type { Tabs } from './tabs.ts'

/** Access tokens that are good when they are asked for. */
export interface Tokens {
  /** Refreshes first where that is due. Undefined when logged out. */
  current(): Promise<string | undefined>
  /** Refreshes, once however many ask for it, unless another tab is faster. */
  refresh(): Promise<void>
}

const mostTries = 5

interface Needs {
  readonly api: Api
  readonly state: SessionState
  readonly store: RefreshTokenStore
  readonly tabs: Pick<Tabs<never>, 'alone'>
}

export function createTokens({ api, state, store, tabs }: Needs): Tokens {
  let inFlight: Promise<void> | undefined
  let isSending = false

  /** Sends one refresh. Resolves to how long to wait before the next, if one is needed. */
  async function attempt(isLast: boolean): Promise<number | undefined> {
    const { epoch } = state
    const refreshToken = store.read()
    if (api.transport === 'body' && refreshToken === undefined) {
      state.end(state.status === 'in' ? 'expired' : undefined)
      return undefined
    }
    const outcome = await requestRefresh((signal) => {
      isSending = true
      const response = api.post('/access_token', refreshToken === undefined ? {} : { refresh_token: refreshToken }, {
        signal,
      })
      isSending = false
      return response
    })
    if ('waitMs' in outcome) {
      if (isLast) throw outcome.problem
      return outcome.waitMs
    }
    // What came after a login or logout is about the session before it.
    if (epoch !== state.epoch) return undefined
    if ('tokens' in outcome) state.begin(outcome.tokens, { isLogin: false })
    else state.end(outcome.code === 'refresh_cookie_missing' && state.status !== 'in' ? undefined : outcome.ended)
    return undefined
  }

  async function run(): Promise<void> {
    const { epoch } = state
    const text = state.accessToken?.text
    for (let tries = 1; ; tries += 1) {
      const release = await tabs.alone()
      let waitMs: number | undefined
      try {
        const isDone = state.epoch !== epoch || state.accessToken?.text !== text
        if (!isDone) waitMs = await attempt(tries === mostTries)
      } finally {
        release()
      }
      if (waitMs === undefined) return
      // Not while holding the lock, and not in the way of a login.
      await sleep(waitMs)
    }
  }

  function refresh(): Promise<void> {
    inFlight ??= run().finally(() => {
      inFlight = undefined
    })
    return inFlight
  }

  return {
    refresh,

    async current() {
      const { status, accessToken } = state
      if (status === 'out') return undefined
      if (accessToken && !isDue(accessToken)) return accessToken.text
      // A page that has replaced fetch() may ask for a token on the way of the refresh itself, which cannot wait for its own end.
      if (isSending) return accessToken?.text
      const refreshed = refresh()
      if (accessToken && isAlive(accessToken)) {
        refreshed.catch(() => undefined)
        return accessToken.text
      }
      await refreshed
      return state.accessToken?.text
    },
  }
}
