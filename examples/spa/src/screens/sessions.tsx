import type { Session } from 'auth-server-client'
import { useEffect, useState } from 'preact/hooks'
import { auth } from '../auth.ts'
import { failureOf } from '../failure.ts'
import { go } from '../navigation.tsx'
import { Away } from '../parts/away.tsx'
import { Done, Screen } from '../parts/screen.tsx'
import { SessionItem } from '../parts/session-item.tsx'

/** Where the user is logged in. Ending a session elsewhere needs a recent login, which the dialog asks for. */
export function Sessions() {
  const [sessions, setSessions] = useState<readonly Session[]>([])
  const [cursor, setCursor] = useState<string | null>()
  const [error, setError] = useState<unknown>()
  const [message, setMessage] = useState('')
  const [failure, setFailure] = useState('')

  async function load(): Promise<void> {
    try {
      const page = await auth.call('GET /sessions', { query: { limit: 20, ...(cursor && { cursor }) } })
      setSessions([...sessions, ...page.sessions])
      setCursor(page.next_cursor)
      setError(undefined)
    } catch (reason) {
      setError(reason)
    }
  }
  useEffect(() => void load(), [])

  async function attempt(action: () => Promise<void>): Promise<void> {
    setMessage('')
    setFailure('')
    try {
      await action()
    } catch (reason) {
      setFailure(failureOf(reason).message)
    }
  }

  const end = ({ id }: Session) =>
    attempt(async () => {
      await auth.call('DELETE /sessions/{id}', { path: { id } })
      setSessions((current) => current.filter((session) => session.id !== id))
      setMessage('That session has ended.')
      document.querySelector('h1')?.focus()
    })

  const endAll = () =>
    attempt(async () => {
      await auth.logOut({ everywhere: true })
      go('')
    })

  return (
    <Screen title="Sessions">
      {message && <Done>{message}</Done>}
      <ul className="sessions" aria-busy={cursor === undefined && error === undefined}>
        {sessions.map((session) => (
          <SessionItem key={session.id} session={session} end={() => void end(session)} />
        ))}
      </ul>
      {error !== undefined && <Away error={error} retry={() => void load()} />}
      {cursor && (
        <button type="button" className="plain" onClick={() => void load()}>
          Show more
        </button>
      )}
      <p role="alert" className="message bad">
        {failure}
      </p>
      {cursor !== undefined && (
        <button type="button" className="danger" onClick={() => void endAll()}>
          Log out everywhere
        </button>
      )}
    </Screen>
  )
}
