import type { IncomingHttpHeaders } from 'node:http'
import { request } from 'node:http'

export interface SocketAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

interface Sent {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** One request over the Unix socket at that path, as a proxy on this machine passes it on. */
export function exchangeOver(
  socketPath: string,
  path: string,
  { method = 'GET', headers = {}, body }: Sent = {},
): Promise<SocketAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { socketPath, method, path, headers: { Host: 'localhost', ...headers }, agent: false },
      (answer) => {
        let text = ''
        answer.setEncoding('utf8')
        answer.on('data', (chunk: string) => {
          text += chunk
        })
        answer.on('error', reject)
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }))
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
}
