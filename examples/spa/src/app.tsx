import type { AuthState } from 'auth-server-client'
import { useEffect, useRef, useState } from 'preact/hooks'
import { auth } from './auth.ts'
import { go, usePage } from './navigation.tsx'
import { Away } from './parts/away.tsx'
import { Ended } from './parts/ended.tsx'
import { Footer } from './parts/footer.tsx'
import { Header } from './parts/header.tsx'
import { Reauthentication } from './parts/reauthentication.tsx'
import { Screen } from './parts/screen.tsx'
import { ChangePassword } from './screens/change-password.tsx'
import { ForgotPassword } from './screens/forgot-password.tsx'
import { Home } from './screens/home.tsx'
import { LogIn } from './screens/log-in.tsx'
import { NotFound } from './screens/not-found.tsx'
import { Profile } from './screens/profile.tsx'
import { Register } from './screens/register.tsx'
import { ResetPassword } from './screens/reset-password.tsx'
import { Sessions } from './screens/sessions.tsx'
import { VerifyEmail } from './screens/verify-email.tsx'
import { Welcome } from './screens/welcome.tsx'
import type { PageName } from './titles.ts'
import { titles } from './titles.ts'

export function App() {
  const page = usePage()
  const [state, setState] = useState<AuthState>()
  const [error, setError] = useState<unknown>()
  const { status, user, reason } = state ?? {}
  const isKnown = state !== undefined || error !== undefined

  /** Asks the server whether there is a session; onChange tells the answer. */
  const load = () => void auth.user().then(() => setError(undefined), setError)

  useEffect(() => {
    const end = auth.onChange(setState)
    load()
    return end
  }, [])

  useEffect(() => {
    if (status === 'in' && (page === 'log-in' || page === 'register')) go('')
  }, [page, status])

  useFreshSession(page)
  useFocusOnEntry(page, status)

  return (
    <>
      <Header page={page} user={user} />
      <main aria-busy={!isKnown}>
        {reason && <Ended reason={reason} />}
        {state && <CurrentScreen page={page} user={user} />}
        {!state && error !== undefined && (
          <Screen title="The server does not answer">
            <Away error={error} retry={load} />
          </Screen>
        )}
      </main>
      {/* Later than the rest, so that it appears where it stays. */}
      {isKnown && <Footer />}
      {user && <Reauthentication user={user} />}
    </>
  )
}

function CurrentScreen({ page, user }: { page: PageName | undefined; user: AuthState['user'] }) {
  switch (page) {
    case '':
      return user ? <Home user={user} /> : <Welcome />
    case 'register':
      return <Register />
    case 'log-in':
      return <LogIn />
    case 'verify-email':
      return <VerifyEmail />
    case 'forgot-password':
      return <ForgotPassword />
    case 'reset-password':
      return <ResetPassword />
    case undefined:
      return <NotFound />
  }
  // The address stays, so that the page is there after the login.
  if (!user) return <LogIn />
  if (page === 'profile') return <Profile user={user} />
  if (page === 'password') return <ChangePassword user={user} />
  return <Sessions />
}

/** The session may have been ended elsewhere: asks the server when another page is entered and when the tab is seen again. */
function useFreshSession(page: PageName | undefined): void {
  const isEntered = useRef(false)
  const ask = () => void auth.session().catch(() => undefined)
  useEffect(() => {
    if (isEntered.current) ask()
    isEntered.current = true
  }, [page])
  useEffect(() => {
    const askWhenSeen = () => document.visibilityState === 'visible' && ask()
    document.addEventListener('visibilitychange', askWhenSeen)
    return () => document.removeEventListener('visibilitychange', askWhenSeen)
  }, [])
}

/** The heading of a page that was entered gets the focus, so that the keyboard and screen readers begin there. */
function useFocusOnEntry(page: PageName | undefined, status: AuthState['status'] | undefined): void {
  const entered = useRef(false)
  useEffect(() => {
    document.title = page ? `${titles[page]} – Accounts` : titles['']
    if (status === undefined) return
    if (entered.current) document.querySelector('h1')?.focus()
    entered.current = true
  }, [page, status])
}
