import type { User } from 'auth-server-client'
import { Link } from '../navigation.tsx'
import { MailSent } from '../parts/mail-sent.tsx'
import { Screen } from '../parts/screen.tsx'

/** The first page, for users who are logged in. */
export function Home({ user }: { user: User }) {
  return (
    <Screen title={`Hello, ${user.display_name || user.username}`}>
      {user.email_verified ? (
        <p>Your address {user.email} is verified.</p>
      ) : (
        <MailSent email={user.email}>
          Please verify your address: open the link in the mail that was sent to {user.email}.
        </MailSent>
      )}
      <ul>
        <li>
          <Link to="profile">Profile</Link>: your names, phone number and time zone
        </li>
        <li>
          <Link to="password">Password</Link>: set another one
        </li>
        <li>
          <Link to="sessions">Sessions</Link>: see where you are logged in, and log out there
        </li>
      </ul>
    </Screen>
  )
}
