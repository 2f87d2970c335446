import { Link } from '../navigation.tsx'
import { Screen } from '../parts/screen.tsx'

export function NotFound() {
  return (
    <Screen title="There is no such page">
      <p>
        <Link to="">Go to the first page</Link>
      </p>
    </Screen>
  )
}
