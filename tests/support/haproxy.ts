import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { givenFolder, until } from './process.ts'
import { freePort, startProgram } from './program.ts'
import { isOpen } from './redis.ts'

export interface TestProxies {
  /** The addresses in front of the server: through one proxy, and through two. */
  readonly oneHop: number
  readonly twoHops: number
}

/**
 * HAProxy in front of a server. It takes client addresses from the PROXY protocol, which replaces the addresses of a
 * machine with more than a loopback, and appends them to X-Forwarded-For.
 */
export async function startProxies(serverUrl: string): Promise<TestProxies> {
  const [oneHop, inner, twoHops] = [await freePort(), await freePort(), await freePort()]
  const file = join(await givenFolder(), 'haproxy.cfg')
  await writeFile(
    file,
    `defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  option forwardfor
listen one_hop
  bind 127.0.0.1:${oneHop} accept-proxy
  server app ${new URL(serverUrl).host}
listen inner
  bind 127.0.0.1:${inner}
  server app ${new URL(serverUrl).host}
listen two_hops
  bind 127.0.0.1:${twoHops} accept-proxy
  server inner 127.0.0.1:${inner} source 127.0.0.9
`,
  )
  await startProgram('haproxy', ['-db', '-q', '-f', file])
  for (const port of [oneHop, inner, twoHops]) await until(() => isOpen(port))
  return { oneHop, twoHops }
}
