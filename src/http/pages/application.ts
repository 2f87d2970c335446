import { existsSync, readdirSync, readFileSync } from 'node:fs'
import type { RequestHandler, Response, Router } from 'express'
import { localsOf } from '../serving/locals.ts'
import { createReadOnlyRouter } from '../serving/read-only.ts'
import type { Linked } from './home.ts'
import { forBrowsers } from './home.ts'

/**
 * The demo application: each of its documents at its name without `.html`, and the files of `assets/`. Undefined where it
 * has not been built, as in the image for production.
 */
export function createApplication(folder: URL, linked: Linked): Router | undefined {
  if (!existsSync(new URL('index.html', folder))) return undefined
  const links = [...(linked.mailbox ? ['mailbox'] : []), ...(linked.docs ? ['docs'] : []), 'problems']
  const names = readdirSync(folder).filter((name) => name.endsWith('.html'))
  const documents = names.map((name): [string, RequestHandler] => {
    const path = name === 'index.html' ? '/' : `/${name.slice(0, -'.html'.length)}`
    const html = withServerPages(readFileSync(new URL(name, folder), 'utf8'), links)
    const send = (response: Response) => {
      localsOf(response).path = path
      response.set('Content-Security-Policy', policy).type('html').send(html)
    }
    return [path, path === '/' ? forBrowsers(send, linked) : (_request, response) => send(response)]
  })
  const assets = readdirSync(new URL('assets/', folder)).map((name): [string, RequestHandler] => {
    const content = readFileSync(new URL(`assets/${name}`, folder))
    // Their names change with their content.
    const send: RequestHandler = (_request, response) => {
      response.set('Cache-Control', 'public, max-age=31536000, immutable').type(name).send(content)
    }
    return [`/assets/${name}`, send]
  })
  return createReadOnlyRouter(Object.fromEntries([...documents, ...assets]))
}

/** The application reads there which pages of the server it can link to. */
function withServerPages(html: string, pages: readonly string[]): string {
  return html.replace('</head>', `<meta name="server-pages" content="${pages.join(' ')}"></head>`)
}

/** Forms are sent by the script, so no form may go anywhere. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')
