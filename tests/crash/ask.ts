import type { Agent } from 'node:http'
import { request } from 'node:http'

export interface Answer {
  /** Undefined where the connection failed. */
  readonly status: number | undefined
  // biome-ignore lint/suspicious/noExplicitAny: a caller that knows the endpoint knows the fields.
  readonly body: any
}

export interface Question {
  readonly agent: Agent | false
  readonly url: string
  readonly route: string
  readonly body?: object
  readonly token?: string | undefined
  readonly userAgent: string
}

/** Never throws: a broken connection is an answer, too. */
export function ask({ agent, url, route, body, token, userAgent }: Question): Promise<Answer> {
  const [method = '', path = ''] = route.split(' ')
  const headers = {
    'User-Agent': userAgent,
    ...(body && { 'Content-Type': 'application/json' }),
    ...(token !== undefined && { Authorization: `Bearer ${token}` }),
  }
  const failed = { status: undefined, body: undefined }
  return new Promise((resolve) => {
    const sent = request(`${url}/api/v1/auth${path}`, { method, headers, agent }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part
      })
      response.on('error', () => resolve(failed))
      response.on('end', () => resolve({ status: response.statusCode, body: text && JSON.parse(text) }))
    })
    sent.on('error', () => resolve(failed)).end(body && JSON.stringify(body))
  })
}
