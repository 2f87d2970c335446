import { useLayoutEffect, useState } from 'preact/hooks'

let token = takeFromAddress()

/** Takes the token out of the address at once, so that it stays neither in the address bar nor in the history. */
function takeFromAddress(): string | undefined {
  const found = new URLSearchParams(location.hash.slice(1) || location.search).get('token')
  if (found) history.replaceState(null, '', location.pathname)
  return found ?? undefined
}

/** The token of the link in a mail. Reading it does nothing with it: programs that scan mails open links and run scripts. */
export function useMailToken(): string | undefined {
  const [current, setCurrent] = useState(token)
  useLayoutEffect(() => {
    // A second link, opened in the same tab, changes the fragment only, perhaps before the page is painted.
    const update = () => {
      token = takeFromAddress() ?? token
      setCurrent(token)
    }
    addEventListener('hashchange', update)
    return () => removeEventListener('hashchange', update)
  }, [])
  return current
}
