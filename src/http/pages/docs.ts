import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Request, Response, Router } from 'express'
import { fillTemplate } from '../../kernel/html.ts'
import { readPageFile } from '../../kernel/page-files.ts'
import type { Contract } from '../contracts/contract.ts'
import { createReadOnlyRouter } from '../serving/read-only.ts'
import { hashSource, inlineScript, inlineStyle } from './page.ts'

type Documented = Pick<Contract<never>, 'title' | 'prefix'>

/** The files of Swagger UI that are served; nothing else of its package is. */
const files = ['swagger-ui.css', 'swagger-ui-bundle.js']

/** `/docs`: the documents of these contracts, to be read and tried out. Nothing of it comes from elsewhere. */
export function createDocs(contracts: readonly Documented[]): Router {
  const html = page(contracts)
  const folder = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'))
  // Express's own sendFile answers conditions and ranges, which no other answer of ours does.
  const send = (name: string) => async (_request: Request, response: Response) => {
    response.type(name).send(await readFile(join(folder, name)))
  }
  return createReadOnlyRouter({
    '/docs': (_request, response) => {
      response.set('Content-Security-Policy', policy).type('html').send(html)
    },
    ...Object.fromEntries(files.map((name) => [`/docs/${name}`, send(name)])),
  })
}

const template = readPageFile('docs.html', import.meta.url)
const style = readPageFile('docs.css', import.meta.url)
const script = readPageFile('docs-page.js', import.meta.url)

/** The library draws its icons from data: addresses and sends requests to this server only, with the token that was pasted. */
const policy = [
  "default-src 'none'",
  `script-src 'self' ${hashSource(script)}`,
  `style-src 'self' ${hashSource(style)}`,
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** Addresses are relative, so that a proxy may serve all of this below a path. */
function page(contracts: readonly Documented[]): string {
  return fillTemplate(template, {
    contracts: contracts.map(({ title, prefix }) => ({ title, prefix, address: `${prefix}/openapi.json`.slice(1) })),
    style: inlineStyle(style),
    script: inlineScript(script),
  }).html
}
