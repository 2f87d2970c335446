import type { IncomingHttpHeaders } from 'node:http'
import { Agent, request } from 'node:http'
import { holdAgainstDocument } from './documents.ts'
import { expectErrorFormat, servedAt } from './error-formats.ts'

export interface Exchanged {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** The text as JSON; undefined when it is none. */
  // biome-ignore lint/suspicious/noExplicitAny: an answer can be anything until a test checks it.
  readonly body: any
}

export interface Sent {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string | string[]>>
  readonly body?: string | Buffer
}

const agent = new Agent({ keepAlive: true })

/** A request byte for byte: nothing is encoded, added to the headers, or followed. */
export async function exchange(url: string, path: string, sent: Sent = {}): Promise<Exchanged> {
  const answer = await transmit(url, path, sent)
  expectErrorFormat(url, path, answer)
  if (sent.method !== 'HEAD') holdAgainstDocument(sent.method ?? 'GET', path, answer, servedAt(url))
  return answer
}

function transmit(url: string, path: string, { method = 'GET', headers = {}, body }: Sent): Promise<Exchanged> {
  const { hostname, port } = new URL(url)
  const bytes = body === undefined ? undefined : Buffer.from(body)
  const length = bytes && !headers['Transfer-Encoding'] && { 'Content-Length': String(bytes.length) }
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method, path, headers: { ...length, ...headers }, agent }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, body: parsed(text) })
      })
    })
    sent.on('error', reject)
    sent.end(bytes)
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
