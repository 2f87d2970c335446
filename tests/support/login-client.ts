import { Agent, request } from 'node:http'
import { json as readJson } from 'node:stream/consumers'
import type { ServerProcess } from './process.ts'

export const logIn = '/api/v1/auth/login_credentials'

interface LoginClient {
  /** The statuses of the answers so far. */
  readonly statuses: readonly number[]
  /** How the last request failed: `dropped` on a connection that had served before. */
  readonly end: Promise<'dropped' | 'not accepted'>
}

/** A client that logs in again and again until a request fails. */
export function startLoginClient(url: string, body: object, keepAlive: boolean): LoginClient {
  const agent = new Agent({ keepAlive, maxSockets: 1 })
  const statuses: number[] = []
  const send = () =>
    new Promise<Awaited<LoginClient['end']> | undefined>((resolve) => {
      const sent = request(
        `${url}${logIn}`,
        { method: 'POST', headers: { 'Content-Type': 'application/json' }, agent },
        (response) => {
          readJson(response).then(
            () => {
              statuses.push(response.statusCode ?? 0)
              resolve(undefined)
            },
            () => resolve('dropped'),
          )
        },
      )
      sent.on('error', () => resolve(sent.reusedSocket ? 'dropped' : 'not accepted')).end(JSON.stringify(body))
    })
  async function run(): LoginClient['end'] {
    for (;;) {
      const end = await send()
      if (end) return end
    }
  }
  return { statuses, end: run() }
}

/** The statuses of the logins that the server has begun to answer; undefined where it did not come to the end. */
export function loggedLogins({ stdout }: ServerProcess): (number | undefined)[] {
  const lines = stdout()
    .split('\n')
    .filter((line) => line.includes('"logIn"'))
  return lines.map((line) => JSON.parse(line)).map(({ status, aborted }) => (aborted ? undefined : status))
}
