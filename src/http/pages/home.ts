import type { RequestHandler, Response, Router } from 'express'
import { AuthError, requestErrors } from '../../kernel/errors.ts'
import type { Html } from '../../kernel/html.ts'
import { fillTemplate } from '../../kernel/html.ts'
import { readPageFile } from '../../kernel/page-files.ts'
import type { Contract } from '../contracts/contract.ts'
import { localsOf } from '../serving/locals.ts'
import { createReadOnlyRouter } from '../serving/read-only.ts'
import { sendPage } from './page.ts'

const template = readPageFile('home.html', import.meta.url)

/** What `/` leads to. */
export interface Linked {
  readonly contracts: readonly Pick<Contract<never>, 'name' | 'title' | 'prefix'>[]
  readonly docs: boolean
  readonly mailbox: boolean
  /** Whether `/` names the addresses to programs too, for developers who try it with curl. */
  readonly forPrograms: boolean
}

/** `/`: for a person who opens the address of the server. */
export function createHome(linked: Linked): Router {
  const page = { kind: 'view', title: 'Authentication server', body: bodyOf(linked) } as const
  const send = (response: Response) => {
    localsOf(response).path = '/'
    sendPage(response, page)
  }
  return createReadOnlyRouter({ '/': forBrowsers(send, linked) })
}

/** Answers requests that prefer HTML. Others get the addresses, or what they get where there is no page. */
export function forBrowsers(send: (response: Response) => void, linked: Linked): RequestHandler {
  return (request, response) => {
    response.vary('Accept')
    if (request.accepts('json', 'html') === 'html') return send(response)
    if (!linked.forPrograms) throw new AuthError(requestErrors.not_found)
    localsOf(response).path = '/'
    response.json(addressesOf(linked))
  }
}

function addressesOf({ contracts, docs, mailbox }: Linked) {
  return {
    ...(docs && { docs: '/docs' }),
    ...(mailbox && { mailbox: '/mailbox' }),
    ...{ problems: '/problems', health: '/healthz' },
    contracts: Object.fromEntries(
      contracts.map(({ name, prefix }) => [name, { prefix, openapi: `${prefix}/openapi.json` }]),
    ),
  }
}

/** Addresses are relative, so that a proxy may serve all of this below a path. */
function bodyOf({ contracts, docs, mailbox }: Linked): Html {
  const linked = contracts.map(({ title, prefix }) => ({ title, prefix, address: `${prefix.slice(1)}/openapi.json` }))
  return fillTemplate(template, { contracts: linked, docs, mailbox })
}
