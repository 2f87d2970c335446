import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { PageName } from './titles.ts'
import { titles } from './titles.ts'

/** All pages are in one folder. */
const folder = new URL('.', location.href)

/** The page of the address; undefined where there is none. */
function currentPage(): PageName | undefined {
  const name = location.pathname.slice(folder.pathname.length)
  return Object.hasOwn(titles, name) ? (name as PageName) : undefined
}

const moved = 'moved'

export function go(name: PageName): void {
  history.pushState(null, '', new URL(name, folder))
  dispatchEvent(new Event(moved))
  scrollTo(0, 0)
}

export function usePage(): PageName | undefined {
  const [page, setPage] = useState(currentPage)
  useEffect(() => {
    const update = () => setPage(currentPage())
    for (const event of ['popstate', moved]) addEventListener(event, update)
    return () => {
      for (const event of ['popstate', moved]) removeEventListener(event, update)
    }
  }, [])
  return page
}

interface LinkProps {
  readonly to: PageName
  readonly className?: string
  readonly current?: boolean
  readonly children: ComponentChildren
}

/** A link to a page of the application. It opens in another tab where the user asks for that. */
export function Link({ to, className, current = false, children }: LinkProps) {
  function follow(event: MouseEvent): void {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    go(to)
  }
  return (
    <a href={to || './'} className={className} aria-current={current ? 'page' : undefined} onClick={follow}>
      {children}
    </a>
  )
}
