import type { Gateway, Serve } from './gateway.ts'
import { openGateway } from './gateway.ts'
import type { TestServer } from './server.ts'
import { startServer } from './server.ts'

/** A server, and the origin in front of it by which clients reach it. */
export interface ServerBehindGateway {
  readonly server: TestServer
  readonly gateway: Gateway
  close(): Promise<void>
}

export async function startBehindGateway(
  settings: Readonly<Record<string, string>> = {},
  serve?: Serve,
  scheme?: 'http' | 'https',
): Promise<ServerBehindGateway> {
  const server = await startServer(settings)
  const gateway = await openGateway(server.url, serve, scheme)
  return {
    server,
    gateway,
    async close() {
      await gateway.close()
      await server.close()
    },
  }
}
