import { once } from 'node:events'
import { connect, isIPv6 } from 'node:net'
import { times } from '../support/answers.ts'
import { startProxies } from '../support/haproxy.ts'
import { endProcesses } from '../support/process.ts'
import { endPrograms } from '../support/program.ts'
import type { TestServer } from '../support/server.ts'
import { startServer } from '../support/server.ts'

const servers: TestServer[] = []
afterEach(async () => {
  await endPrograms()
  await endProcesses()
  for (const server of servers.splice(0)) await server.close()
})

interface Seen {
  readonly status: number
  /** The remaining budget of this client. */
  readonly left: number
}

interface World {
  readonly server: TestServer
  /** A login through one proxy or two, by a client of this address that sends these header fields. */
  readonly ask: (hops: 1 | 2, address: string, headers?: Readonly<Record<string, string>>) => Promise<Seen>
}

async function givenWorld(trustProxy: string): Promise<World> {
  const server = await startServer({
    RATE_LIMITS: 'on',
    TRUST_PROXY: trustProxy,
    PUBLIC_URL: 'http://auth.example.com',
  })
  servers.push(server)
  const { oneHop, twoHops } = await startProxies(server.url)
  return { server, ask: (hops, address, headers) => knock(hops === 1 ? oneHop : twoHops, address, headers) }
}

/** One request on a connection of its own, which begins with the client's address as the PROXY protocol tells it. */
async function knock(port: number, address: string, headers: Readonly<Record<string, string>> = {}): Promise<Seen> {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8')
  let text = ''
  socket.on('data', (chunk: string) => {
    text += chunk
  })
  const [family, proxy] = isIPv6(address) ? ['TCP6', '::1'] : ['TCP4', '127.0.0.1']
  const fields = Object.entries({ Host: 'auth.example.com', Connection: 'close', 'Content-Length': '0', ...headers })
  const lines = [
    `PROXY ${family} ${address} ${proxy} 40000 443`,
    'POST /api/v1/auth/login_credentials HTTP/1.1',
    ...fields.map(([name, value]) => `${name}: ${value}`),
  ]
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  await once(socket, 'close')
  return { status: Number(text.slice(9, 12)), left: Number(/^ratelimit: "logIn"; r=(\d+);/im.exec(text)?.[1]) }
}

const forgeries: [string, (claim: string) => Readonly<Record<string, string>>][] = [
  ['X-Forwarded-For', (claim) => ({ 'X-Forwarded-For': claim })],
  ['several entries of X-Forwarded-For', (claim) => ({ 'X-Forwarded-For': `${claim}, 127.0.0.1, ${claim}` })],
  ['X-Forwarded-For in other letters', (claim) => ({ 'x-FORWARDED-for': `, ${claim},` })],
  ['Forwarded', (claim) => ({ Forwarded: `for="${claim}";proto=https` })],
  ['X-Real-IP', (claim) => ({ 'X-Real-IP': claim })],
  ['X-Client-IP', (claim) => ({ 'X-Client-IP': claim })],
  ['CF-Connecting-IP', (claim) => ({ 'CF-Connecting-IP': claim })],
  ['True-Client-IP', (claim) => ({ 'True-Client-IP': claim })],
  [
    'all of them',
    (claim) =>
      Object.fromEntries(
        ['X-Forwarded-For', 'Forwarded', 'X-Real-IP', 'X-Client-IP', 'CF-Connecting-IP', 'True-Client-IP'].map(
          (name) => [name, claim],
        ),
      ),
  ],
]

/** The client is counted as one whatever the header says, and no other client is counted with it. */
async function expectIgnored({ ask, server }: World, hops: 1 | 2): Promise<void> {
  let left = 30
  for (const [, forge] of forgeries) {
    for (const claim of ['198.51.100.77', '127.0.0.1', '2001:db8:ffff::1']) {
      left -= 1
      expect(await ask(hops, '203.0.113.5', forge(claim))).toEqual({ status: 400, left })
    }
  }
  // The clients whose addresses were forged have their whole budget.
  for (const victim of ['198.51.100.77', '2001:db8:ffff::1']) expect((await ask(hops, victim)).left).toBe(29)
  expect(addressesIn(server)).toEqual(new Set(['203.0.113.5', '198.51.100.77', '2001:db8:ffff::1']))
}

function addressesIn({ logged }: TestServer): Set<string> {
  const lines = logged.map((line) => JSON.parse(line))
  return new Set(lines.filter(({ message }) => message === 'request').map(({ ip }) => ip))
}

function warningsIn({ logged }: TestServer): string[] {
  return logged.map((line) => JSON.parse(line)).flatMap(({ level, message }) => (level === 'warn' ? [message] : []))
}

it('sends fewer forged requests than a budget allows, so that none of the refusals below comes from a limit', () => {
  expect(forgeries.length * 3).toBeLessThan(30)
})

describe.each<[string, 1 | 2, string]>([
  ['one proxy, and one is trusted', 1, '1'],
  ['one proxy, and its address is trusted', 1, '127.0.0.1'],
  ['two proxies, and two are trusted', 2, '2'],
  ['two proxies, and their network is trusted', 2, '10.0.0.0/8, 127.0.0.0/8'],
])('behind %s,', (_name, hops, trustProxy) => {
  it('no header of a client changes the address that it is counted by', async () => {
    await expectIgnored(await givenWorld(trustProxy), hops)
  })

  it('a client has a budget that no other client spends', async () => {
    const { ask, server } = await givenWorld(trustProxy)
    const answers = await times(31, (index) => ask(hops, '203.0.113.6', { 'X-Forwarded-For': `198.51.100.${index}` }))
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(1)
    expect(await ask(hops, '203.0.113.7')).toEqual({ status: 400, left: 29 })
    expect(warningsIn(server)).toEqual([])
  })

  it('an IPv4-mapped address counts as the IPv4 address, and an IPv6 address by its /56', async () => {
    const { ask, server } = await givenWorld(trustProxy)
    for (const [address, left] of [
      ['203.0.113.8', 29],
      ['::ffff:203.0.113.8', 28],
      ['::ffff:203.0.113.9', 29],
      ['2001:db8:0:100::1', 29],
      ['2001:db8:0:1aa:aaaa:bbbb:cccc:dddd', 28],
      ['2001:db8:0:200::1', 29],
    ] as const) {
      expect([address, await ask(hops, address)]).toEqual([address, { status: 400, left }])
    }
    expect([...addressesIn(server)].filter((address) => address.includes('203.0.113'))).toEqual([
      '203.0.113.8',
      '203.0.113.9',
    ])
  })
})

describe('behind proxies that are not trusted,', () => {
  it.each([1, 2] as const)('%i of them, all clients share one budget, and the log says so once', async (hops) => {
    const { ask, server } = await givenWorld('0')
    const answers = await times(31, (index) => ask(hops, `203.0.113.${index + 1}`))
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(1)
    expect(warningsIn(server)).toEqual([expect.stringContaining('TRUST_PROXY')])
    expect(addressesIn(server)).toEqual(new Set(['127.0.0.1']))
  })

  it('the outer one of two, clients share its budget, whatever headers they send', async () => {
    const { ask, server } = await givenWorld('1')
    await ask(2, '203.0.113.10', { 'X-Forwarded-For': '198.51.100.1' })
    expect((await ask(2, '203.0.113.11')).left).toBe(28)
    expect(addressesIn(server)).toEqual(new Set(['127.0.0.9']))
  })

  it('or whose network is not the trusted one, clients share a budget as well', async () => {
    const { ask, server } = await givenWorld('10.0.0.0/8')
    await ask(1, '203.0.113.12', { 'X-Forwarded-For': '10.0.0.1' })
    expect((await ask(1, '203.0.113.13')).left).toBe(28)
    expect(addressesIn(server)).toEqual(new Set(['127.0.0.1']))
  })
})

it('TRUST_PROXY=true, which would believe any client, stops the start', async () => {
  await expect(startServer({ TRUST_PROXY: 'true' })).rejects.toThrow('TRUST_PROXY must be the number of proxies')
})
