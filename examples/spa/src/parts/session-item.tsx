import type { Session } from 'auth-server-client'

const browsers = [/Edg\//, /OPR\//, /Firefox\//, /Chrome\//, /Safari\//]
const browserNames = ['Edge', 'Opera', 'Firefox', 'Chrome', 'Safari']
const systems = [/iPhone|iPad/, /Android/, /Windows/, /Mac OS X/, /Linux/]
const systemNames = ['iOS', 'Android', 'Windows', 'macOS', 'Linux']

/** Good enough to recognise one's own devices: user agents say what they like. */
function deviceOf(userAgent: string): string {
  const browser = browserNames[browsers.findIndex((pattern) => pattern.test(userAgent))]
  const system = systemNames[systems.findIndex((pattern) => pattern.test(userAgent))]
  if (browser && system) return `${browser} on ${system}`
  return browser ?? system ?? (userAgent.slice(0, 40) || 'Some program')
}

const timeOf = (instant: string) =>
  new Date(instant).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' })

export function SessionItem({ session, end }: { session: Session; end: () => void }) {
  const { last_user_agent, last_ip, last_used_at, created_at, current } = session
  const device = deviceOf(last_user_agent)
  return (
    <li>
      <div>
        <strong>{device}</strong> {current && <span className="badge">this session</span>}
        <br />
        <span className="note">
          {last_ip},{' '}
          <span>
            used <time dateTime={last_used_at}>{timeOf(last_used_at)}</time>,
          </span>{' '}
          <span>
            opened <time dateTime={created_at}>{timeOf(created_at)}</time>
          </span>
        </span>
      </div>
      {!current && (
        <button type="button" className="plain" aria-label={`Log out there: ${device}`} onClick={end}>
          Log out there
        </button>
      )}
    </li>
  )
}
