import { contracts } from '../../../src/contracts/index.ts'
import { problemDetails } from '../../../src/http/contracts/error-format.ts'
import { talkTo } from '../../support/raw.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const talk = (...lines: string[]) => talkTo(Number(new URL(server.url).port), `${lines.join('\r\n')}\r\n\r\n`)

const places = [
  ...contracts.map(({ prefix, errorFormat }) => ({
    path: `${prefix}/login`,
    isOwnFormat: errorFormat === problemDetails,
  })),
  { path: '/healthz', isOwnFormat: true },
  { path: '/nothing', isOwnFormat: true },
]

/** The form of each error format, and the code of our own. */
function expectRefusal({ head, body }: { head: string; body: string }, isOwnFormat: boolean, code: string): void {
  expect(head).toMatch(
    isOwnFormat ? /\r\nContent-Type: application\/problem\+json/i : /\r\nContent-Type: application\/json/i,
  )
  expect(head).toMatch(/\r\ncache-control: no-store/i)
  if (isOwnFormat) expect(JSON.parse(body)).toMatchObject({ detail: expect.any(String), code })
  else expect(JSON.stringify(JSON.parse(body))).not.toContain('/problems#')
}

// Node answered these by itself, with a status and nothing else.
describe.each(places)('at $path', ({ path, isOwnFormat }) => {
  it('refuses a request without a host in the error format of the path', async () => {
    const answer = await talk(`GET ${path} HTTP/1.1`, 'Connection: close')
    expect(answer.status).toBe(400)
    expectRefusal(answer, isOwnFormat, 'invalid_request')
  })

  it('refuses a request for two hosts', async () => {
    const answer = await talk(`GET ${path} HTTP/1.1`, 'Host: localhost', 'Connection: close', 'Host: 127.0.0.1')
    expect(answer.status).toBe(400)
    expectRefusal(answer, isOwnFormat, 'invalid_request')
  })

  it('refuses an unknown expectation in the error format of the path, without reading the body', async () => {
    const answer = await talk(`POST ${path} HTTP/1.1`, 'Host: localhost', 'Expect: a miracle', 'Content-Length: 3')
    expect(answer.status).toBe(417)
    expectRefusal(answer, isOwnFormat, 'expectation_failed')
  })

  it('needs no host from a client of HTTP/1.0', async () => {
    expect((await talk(`GET ${path} HTTP/1.0`)).status).not.toBe(400)
  })
})
