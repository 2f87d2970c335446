import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { hasCode } from './data-dir.ts'
import { StartError } from './start-error.ts'

/** Binds the server to its address and returns the port. Throws a StartError when the address cannot be had. */
export async function listen(server: Server, { host, port }: { host: string; port: number }): Promise<number> {
  try {
    server.listen(port, host)
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  } catch (cause) {
    throw new StartError(`The server cannot listen on PORT ${port} of HOST ${host}: ${remedyFor(cause)}`, { cause })
  }
}

function remedyFor(error: unknown): string {
  if (hasCode(error, 'EADDRINUSE')) return 'another program has it. Stop that, or set PORT to another one'
  if (hasCode(error, 'EACCES')) return 'this account may not use it. Set PORT to one above 1023'
  return `${(error as Error).message}. Set HOST to an address of this machine`
}

/** Takes no more connections, lets the requests in flight finish, and cuts off what lasts longer than the limit. */
export async function drain(server: Server, limitMs: number): Promise<void> {
  if (!server.listening) return
  const closed = once(server, 'close')
  server.close()
  // A connection that was busy until now would be kept alive for its next request.
  const sweep = setInterval(() => server.closeIdleConnections(), 50)
  const limit = setTimeout(() => server.closeAllConnections(), limitMs)
  await closed
  clearInterval(sweep)
  clearTimeout(limit)
}
