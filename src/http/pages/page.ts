import { createHash } from 'node:crypto'
import type { Request, Response, Router } from 'express'
import { AuthError, requestErrors } from '../../kernel/errors.ts'
import type { Html } from '../../kernel/html.ts'
import { fillTemplate } from '../../kernel/html.ts'
import { readPageFile } from '../../kernel/page-files.ts'
import { isLocal } from '../serving/caller.ts'
import { localsOf } from '../serving/locals.ts'
import { createReadOnlyRouter } from '../serving/read-only.ts'

const template = readPageFile('page.html', import.meta.url)
const style = readPageFile('page.css', import.meta.url)

/** A page that this server shows where no frontend is configured. */
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
      readonly body: Html
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
      // The sandbox gives it an origin of its own, for which Chromium cannot do this, and complains.
      response.removeHeader('Origin-Agent-Cluster')
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

/** The name of an inline script or style in a policy. */
export function hashSource(source: string): string {
  return `'sha256-${createHash('sha256').update(inlined(source)).digest('base64')}'`
}

export function inlineStyle(source: string): Html {
  return { html: `<style>${inlined(source)}</style>` }
}

export function inlineScript(source: string): Html {
  return { html: `<script type="module">${inlined(source)}</script>` }
}

function inlined(source: string): string {
  return `\n${source}`
}

function shell({ title, body, script }: View): string {
  return fillTemplate(template, {
    title,
    body,
    style: inlineStyle(style),
    script: script === undefined ? { html: '' } : inlineScript(script),
  }).html
}
