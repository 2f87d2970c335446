import type { EndReason } from 'auth-server-client'
import { Link } from '../navigation.tsx'

/** Tells why the session is over. */
export function Ended({ reason }: { reason: EndReason }) {
  return (
    <div role="alert" className="notice bad">
      {reason === 'expired' && <p>Your session has expired. Please log in again.</p>}
      {reason === 'revoked' && (
        <p>Your session was ended from elsewhere, for instance in the list of sessions or by a new password.</p>
      )}
      {reason === 'reuse' && (
        <p>
          Your session was used from two places: it may have been copied, so it was ended and you were mailed. If you do
          not know why, <Link to="forgot-password">set a new password</Link>.
        </p>
      )}
    </div>
  )
}
