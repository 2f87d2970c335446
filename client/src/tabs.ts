import { later } from './clock.ts'

/** The tabs of this browser in which the same session is used. */
export interface Tabs<News> {
  /** Waits until this tab alone may change the session. Resolves to the function that lets the next one go on. */
  alone(): Promise<() => void>
  tell(news: News): void
  close(): void
}

/** The server forgives parallel refreshes, so a lock spares requests and must not cost time: any tab may hold it forever. */
const longestWait = 800
/** The lock is kept until what was told has arrived in the other tabs. */
const settlingTime = 50

/** A tab that shares its session with no other. */
export const noTabs: Tabs<unknown> = {
  alone: async () => () => undefined,
  tell: () => undefined,
  close: () => undefined,
}

/** Where the browser lacks Web Locks or BroadcastChannel, each tab looks after itself. */
export function createTabs<News>(
  name: string,
  { onNews, onReturn }: { readonly onNews: (news: News) => void; readonly onReturn: (isRestored: boolean) => void },
): Tabs<News> {
  let channel: BroadcastChannel | undefined
  const waits = new Set<() => void>()

  function open(): void {
    try {
      channel ??= new BroadcastChannel(name)
    } catch {
      return
    }
    channel.onmessage = ({ data }) => {
      onNews(data as News)
      for (const stopWaiting of waits) stopWaiting()
    }
  }

  // A page with an open channel is kept out of the back-forward cache by some browsers.
  function hide(): void {
    channel?.close()
    channel = undefined
  }

  function show({ persisted }: PageTransitionEvent): void {
    open()
    if (persisted) onReturn(true)
  }

  function becomeVisible(): void {
    if (document.visibilityState === 'visible') onReturn(false)
  }

  open()
  addEventListener('pagehide', hide)
  addEventListener('pageshow', show)
  document.addEventListener('visibilitychange', becomeVisible)

  return {
    alone: () =>
      new Promise((resolve) => {
        const waiting = new AbortController()
        let isOver = false
        const goOn = (release: () => void) => {
          isOver = true
          waits.delete(stopWaiting)
          cancelTimer()
          resolve(release)
        }
        const stopWaiting = () => {
          goOn(() => undefined)
          waiting.abort()
        }
        const cancelTimer = later(longestWait, stopWaiting)
        waits.add(stopWaiting)
        const held = navigator.locks?.request(name, { signal: waiting.signal }, () =>
          isOver ? undefined : new Promise<void>((release) => goOn(() => void later(settlingTime, release))),
        )
        if (held) held.catch(stopWaiting)
        else stopWaiting()
      }),

    tell: (news) => channel?.postMessage(news),

    close() {
      hide()
      removeEventListener('pagehide', hide)
      removeEventListener('pageshow', show)
      document.removeEventListener('visibilitychange', becomeVisible)
    },
  }
}
