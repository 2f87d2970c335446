import type { ComponentChildren } from 'preact'

/** A page of the application. Its heading gets the focus when the page is entered. */
export function Screen({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section className="card">
      <h1 tabIndex={-1}>{title}</h1>
      {children}
    </section>
  )
}

/** What has been done. It is announced when it appears. */
export function Done({ children }: { children: ComponentChildren }) {
  return (
    <p role="status" className="notice good">
      {children}
    </p>
  )
}
