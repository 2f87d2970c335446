import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { givenFolder } from './process.ts'
import type { Program } from './program.ts'
import { startProgram } from './program.ts'

/** A page in headless Chromium on an origin of its own, and the result of its script. */
export async function runInChromium<Result>(
  host: 'localhost' | '127.0.0.1',
  script: (origin: string) => Promise<string>,
): Promise<Result> {
  let finish: (result: Result) => void = () => undefined
  const finished = new Promise<Result>((resolve) => {
    finish = resolve
  })
  let html = ''
  const pages = createServer(async (request, response) => {
    if (request.method === 'POST') {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      response.end()
      finish(JSON.parse(Buffer.concat(chunks).toString()) as Result)
    } else if (request.url === '/') {
      response.setHeader('Content-Type', 'text/html; charset=utf-8')
      response.end(html)
    } else {
      response.writeHead(404).end()
    }
  }).listen(0, '127.0.0.1')
  await once(pages, 'listening')
  const origin = `http://${host}:${(pages.address() as AddressInfo).port}`
  html = page(await script(origin))
  const browser = await openChromium(`${origin}/`)
  try {
    return await finished
  } finally {
    await browser.kill()
    pages.closeAllConnections()
    pages.close()
  }
}

/** The script returns the report; an exception is reported in its place. */
function page(script: string): string {
  return `<!doctype html><meta charset="utf-8"><title>A frontend</title><script type="module">
const report = (result) => fetch('/', { method: 'POST', body: JSON.stringify(result) })
try { report(await (async () => { ${script} })()) } catch (error) { report({ error: String(error) }) }
</script>`
}

/** The content of a page of the server after its scripts have run. */
export async function renderInChromium(url: string): Promise<string> {
  const profile = await givenFolder()
  const args = [...optionsFor(profile), '--virtual-time-budget=20000', '--dump-dom', url]
  const { stdout } = await promisify(execFile)('chromium', args, { env: { ...process.env, TMPDIR: profile } })
  return stdout
}

async function openChromium(url: string): Promise<Program> {
  const profile = await givenFolder()
  return startProgram('chromium', [...optionsFor(profile), url], { TMPDIR: profile })
}

function optionsFor(profile: string): string[] {
  return [
    '--headless=new',
    // Chromium's sandbox does not run as root, and the pages are our own.
    '--no-sandbox',
    '--disable-gpu',
    '--disable-dev-shm-usage',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--log-level=3',
    `--user-data-dir=${profile}`,
  ]
}
