import type { User } from 'auth-server-client'
import { useState } from 'preact/hooks'
import { auth } from '../auth.ts'
import { failureOf } from '../failure.ts'
import { go, Link } from '../navigation.tsx'
import type { PageName } from '../titles.ts'

const forUsers = ['profile', 'password', 'sessions'] as const
const labels = { profile: 'Profile', password: 'Password', sessions: 'Sessions' } as const

export function Header({ page, user }: { page: PageName | undefined; user: User | undefined }) {
  const [failure, setFailure] = useState('')

  async function logOut(): Promise<void> {
    setFailure('')
    try {
      await auth.logOut()
      go('')
    } catch (error) {
      setFailure(failureOf(error).message)
    }
  }

  return (
    <header>
      <nav aria-label="Pages">
        <Link to="" className="brand" current={page === ''}>
          Accounts
        </Link>
        {user &&
          forUsers.map((name) => (
            <Link key={name} to={name} current={page === name}>
              {labels[name]}
            </Link>
          ))}
        {user && (
          <button type="button" className="plain" onClick={() => void logOut()}>
            Log out
          </button>
        )}
      </nav>
      {failure && (
        <p role="alert" className="notice bad">
          {failure}
        </p>
      )}
    </header>
  )
}
