import { Link } from '../navigation.tsx'
import { serverPages } from '../parts/footer.tsx'
import { Screen } from '../parts/screen.tsx'

/** The first page, for visitors who are not logged in. */
export function Welcome() {
  return (
    <Screen title="Welcome">
      <p>
        This is a demo application. It shows how a frontend uses the authentication server, which is running: register,
        read the mail, verify the address, and look around.
      </p>
      <p className="actions">
        <Link to="register" className="button">
          Register
        </Link>
        <Link to="log-in" className="button second">
          Log in
        </Link>
      </p>
      <h2>What else the server offers</h2>
      <ul>
        {serverPages.map(({ path, label, purpose }) => (
          <li key={path}>
            <a href={path}>{label}</a>: {purpose}
          </li>
        ))}
      </ul>
      <p>
        The source of this application is in <code>examples/spa</code>, its client in <code>client</code>.
      </p>
    </Screen>
  )
}
