import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { createHttpServer } from '../../../src/http/serving/listener.ts'
import { createListener } from '../../../src/http/serving/messages.ts'
import { createRawResponse } from '../../../src/http/serving/raw-response.ts'
import { createMemoryLogger } from '../../support/memory-logger.ts'

const sendRawResponse = createRawResponse({ https: false, logger: createMemoryLogger([]) })

/** A server whose app answers with its name, and the prototypes that requests had before the app and within it. */
async function openApp(name: string) {
  const app = express()
  app.set('name', name)
  const prototypes: unknown[][] = []
  app.use((request, response) => {
    prototypes.push([Object.getPrototypeOf(request), Object.getPrototypeOf(response)])
    response.json([request.app.get('name'), response.app.get('name'), request.protocol])
  })
  const listener = createListener(app, (response) => response.destroy())
  const server = createHttpServer((request, response) => {
    prototypes.push([Object.getPrototypeOf(request), Object.getPrototypeOf(response)])
    listener(request, response)
  }, sendRawResponse)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const ask = async () =>
    (
      await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { headers: { connection: 'close' } })
    ).json()
  return { ask, prototypes, close: () => server.close() }
}

it('a request has the prototypes of its app before Express has seen it', async () => {
  const app = await openApp('one')
  try {
    expect(await app.ask()).toEqual(['one', 'one', 'http'])
    const [before, within] = app.prototypes
    expect(within?.[0]).toBe(before?.[0])
    expect(within?.[1]).toBe(before?.[1])
  } finally {
    app.close()
  }
})

it('requests of two servers in one process know which app is theirs', async () => {
  const [one, two] = [await openApp('one'), await openApp('two')]
  try {
    expect([await one.ask(), await two.ask(), await one.ask()]).toEqual([
      ['one', 'one', 'http'],
      ['two', 'two', 'http'],
      ['one', 'one', 'http'],
    ])
  } finally {
    one.close()
    two.close()
  }
})
