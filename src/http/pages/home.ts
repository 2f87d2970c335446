import type { Router } from 'express'
import { AuthError, requestErrors } from '../../kernel/errors.ts'
import { escapeHtml } from '../../kernel/html.ts'
import type { Contract } from '../contracts/contract.ts'
import { healthPaths } from '../serving/health.ts'
import { localsOf } from '../serving/locals.ts'
import { createReadOnlyRouter } from '../serving/read-only.ts'
import { sendPage } from './page.ts'

interface Linked {
  readonly contracts: readonly Pick<Contract<never>, 'title' | 'prefix'>[]
  readonly docs: boolean
  readonly mailbox: boolean
}

/** `/`: for a person who opens the address of the server. To programs it is a path like any other that does not exist. */
export function createHome(linked: Linked): Router {
  const page = { kind: 'view', title: 'Authentication server', body: bodyOf(linked) } as const
  return createReadOnlyRouter({
    '/': (request, response) => {
      response.vary('Accept')
      if (request.accepts('json', 'html') !== 'html') throw new AuthError(requestErrors.not_found)
      localsOf(response).path = '/'
      sendPage(response, page)
    },
  })
}

/** Addresses are relative, so that a proxy may serve all of this below a path. */
function bodyOf({ contracts, docs, mailbox }: Linked): string {
  const apis = contracts.map(
    ({ title, prefix }) =>
      `<li>${escapeHtml(title)}: <code>${prefix}</code> (<a href="${prefix.slice(1)}/openapi.json">OpenAPI document</a>)</li>`,
  )
  const health = healthPaths.map((path) => `<a href="${path.slice(1)}">${path}</a>`)
  return `<h1>Authentication server</h1>
<p>This server looks after accounts for other programs. It is running.</p>
<ul>
${docs ? '<li><a href="docs">Documentation</a> of every API, to be read and tried out</li>\n' : ''}${
  mailbox ? '<li><a href="mailbox">Mailbox</a> with the mails that the server would send</li>\n' : ''
}<li><a href="problems">Problems</a>: the error codes and what they mean</li>
<li>Health: ${health.join(', ')}</li>
</ul>
<h2>APIs</h2>
<ul>
${apis.join('\n')}
</ul>`
}
