import { createHash } from 'node:crypto'
import type { Request, Response, Router } from 'express'
import { AuthError, requestErrors } from '../../kernel/errors.ts'
import { escapeHtml } from '../../kernel/html.ts'
import { isLocal } from '../serving/caller.ts'
import { localsOf } from '../serving/locals.ts'
import { createReadOnlyRouter } from '../serving/read-only.ts'

/** A page of ours for people: what frontends do elsewhere. */
export interface Page {
  /** In Express's notation, such as `/mailbox/:id`. */
  readonly path: string
  /** `local`: for programs on this machine only, whatever the proxies say. */
  readonly audience?: 'local'
  /** A GET: it changes nothing. Nothing returned is a 404. */
  readonly render: (params: Readonly<Record<string, string>>) => PageReply | Promise<PageReply>
}

type PageReply =
  | {
      readonly kind: 'view'
      readonly title: string
      /** HTML. What comes from outside went through escapeHtml. */
      readonly body: string
      /** Runs as a module once the body is there. */
      readonly script?: string
      /** Whether the body holds frames with documents of this server. */
      readonly frames?: boolean
    }
  /** A whole document that is not to be trusted. It is for a frame of ours, runs no scripts, and its links open in the whole window. */
  | { readonly kind: 'document'; readonly html: string }
  | { readonly kind: 'json'; readonly value: unknown }
  | undefined

export function createPages(pages: readonly Page[]): Router {
  const serve =
    ({ path, audience, render }: Page) =>
    async (request: Request, response: Response) => {
      localsOf(response).path = path
      if (audience === 'local' && !isLocal(request)) throw new AuthError(requestErrors.local_only)
      sendPage(response, await render(textParams(request.params)))
    }
  return createReadOnlyRouter(Object.fromEntries(pages.map((page) => [page.path, serve(page)])))
}

function textParams(params: Readonly<Record<string, string | string[]>>): Record<string, string> {
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, String(value)]))
}

/** Answers with the page, under the policy that it needs. */
export function sendPage(response: Response, reply: PageReply): void {
  switch (reply?.kind) {
    case 'json':
      response.json(reply.value)
      return
    case 'document':
      response.set({ 'Content-Security-Policy': documentPolicy, 'X-Frame-Options': 'SAMEORIGIN' })
      response.type('html').send(reply.html.replace(/<head[^>]*>/i, '$&<base target="_top">'))
      return
    case 'view':
      response.set({ 'Content-Security-Policy': viewPolicy(reply) })
      response.type('html').send(shell(reply))
      return
    default:
      throw new AuthError(requestErrors.not_found)
  }
}

export type View = Extract<PageReply, { kind: 'view' }>

const documentPolicy = [
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'self'",
  'sandbox allow-top-navigation-by-user-activation',
].join('; ')

function viewPolicy({ script, frames }: View): string {
  return [
    "default-src 'none'",
    `style-src ${hashSource(style)}`,
    `script-src ${script === undefined ? "'none'" : hashSource(script)}`,
    "connect-src 'self'",
    'img-src data:',
    `frame-src ${frames ? "'self'" : "'none'"}`,
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ')
}

/** What a policy calls an inline script or style. */
export function hashSource(source: string): string {
  return `'sha256-${createHash('sha256').update(source).digest('base64')}'`
}

function shell({ title, body, script }: View): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<main>
${body}
</main>
${script === undefined ? '' : `<script type="module">${script}</script>`}
</body>
</html>
`
}

const style = `
:root { color-scheme: light dark; --line: light-dark(#d1d5db, #4b5563); --accent: light-dark(#1d4ed8, #93b4ff); --bad: light-dark(#b91c1c, #fca5a5) }
body { margin: 0; padding: 1.5rem 1rem; font: 1rem/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif; background: light-dark(#fff, #111827); color: light-dark(#1f2937, #e5e7eb) }
main { max-width: 60rem; margin: 0 auto }
.card { max-width: 24rem; margin: 10vh auto 0 }
h1 { font-size: 1.5rem; line-height: 1.2; overflow-wrap: anywhere }
a { color: var(--accent) }
button { padding: .6rem 1.2rem; border: 0; border-radius: .4rem; font: inherit; font-weight: 600; background: var(--accent); color: light-dark(#fff, #111827); cursor: pointer }
button:disabled { opacity: .6; cursor: default }
label { display: block; margin-bottom: .25rem }
input[type=password], input[type=text] { box-sizing: border-box; width: 100%; padding: .5rem; border: 1px solid var(--line); border-radius: .4rem; font: inherit }
.bad { color: var(--bad) }
table { width: 100%; border-collapse: collapse }
th, td { padding: .5rem .5rem .5rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; overflow-wrap: anywhere }
th, code { overflow-wrap: normal }
iframe { display: block; width: 100%; height: 32rem; margin: 1rem 0; border: 1px solid var(--line); border-radius: .4rem; background: #fff; color-scheme: light }
pre { white-space: pre-wrap; overflow-wrap: anywhere }
[hidden] { display: none }
`
