import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Request, Response, Router } from 'express'
import { escapeHtml } from '../../kernel/html.ts'
import type { Contract } from '../contracts/contract.ts'
import { createReadOnlyRouter } from '../serving/read-only.ts'
import { hashSource } from './page.ts'

type Documented = Pick<Contract<never>, 'title' | 'prefix'>

/** What Swagger UI needs of its package; nothing else of it is served. */
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

const script = `
const chooser = document.querySelector('select')
// The page works under any name of the server: what is tried out here goes to where the page came from.
const askHere = () => ({
  statePlugins: { spec: { wrapActions: { updateJsonSpec: (update) => (spec) =>
    update({ ...spec, servers: [{ url: new URL(chooser.value, location.href).href.replace('/openapi.json', '') }] }) } } },
})
const ui = SwaggerUIBundle({
  plugins: [askHere],
  domNode: document.querySelector('#document'),
  url: chooser.value,
  deepLinking: true,
  // It would ask a stranger whether the document is valid.
  validatorUrl: null,
})
chooser.addEventListener('change', () => {
  ui.specActions.updateUrl(chooser.value)
  ui.specActions.download(chooser.value)
})
`

const style = `
body { margin: 0; background: #fff }
header { padding: 1rem; background: #111827; color: #fff; font: 1rem/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif }
select { max-width: 100%; margin-left: .5rem; padding: .4rem; border: 0; border-radius: .4rem; font: inherit }
`

/** The library draws its icons from data: addresses and asks nobody but this server, with the token that was pasted. */
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
  const options = contracts.map(({ title, prefix }) => {
    const address = `${prefix}/openapi.json`.slice(1)
    return `<option value="${escapeHtml(address)}">${escapeHtml(`${title} (${prefix})`)}</option>`
  })
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Documentation</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
<style>${style}</style>
</head>
<body>
<header><label>Contract <select autocomplete="off">
${options.join('\n')}
</select></label></header>
<main id="document"></main>
<script src="docs/swagger-ui-bundle.js"></script>
<script type="module">${script}</script>
</body>
</html>
`
}
