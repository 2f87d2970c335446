import { BlockList, isIP } from 'node:net'
import { clientNetwork } from '../kernel/address.ts'
import { leadsToThisMachine } from '../kernel/loopback.ts'
import { createOperatorToken, operatorHeader } from '../kernel/operator-token.ts'
import type { Finding } from './doctor-checks.ts'
import type { Shell } from './shell.ts'

const answerLimitMs = 3000
const check = 'client address'

const inside = new BlockList()
inside.addSubnet('10.0.0.0', 8)
inside.addSubnet('172.16.0.0', 12)
inside.addSubnet('192.168.0.0', 16)
inside.addSubnet('127.0.0.0', 8)
inside.addSubnet('fc00::', 7, 'ipv6')
inside.addAddress('::1', 'ipv6')

/** Asks the server, by the way that clients take, from which address the request seems to come: that is what limits count. */
export async function checkPublicUrl({ config, completeConfig }: Shell): Promise<Finding[]> {
  const { publicUrl, trustProxy } = config().server
  const { secretKeys } = await completeConfig()
  const unknown = (finding: string): Finding[] => [{ check, state: 'unknown', finding }]
  let address: unknown
  try {
    const answer = await fetch(`${publicUrl}/healthz`, {
      headers: { [operatorHeader]: createOperatorToken(secretKeys, new Date()) },
      signal: AbortSignal.timeout(answerLimitMs),
      redirect: 'manual',
    })
    address = ((await answer.json()) as { client_address?: unknown }).client_address
  } catch {
    return unknown(`no server answers at ${publicUrl}`)
  }
  if (typeof address !== 'string' || isIP(address) === 0) {
    return unknown(`${publicUrl} tells no address: it is another server, or has another SECRET_KEY`)
  }
  const finding = `at ${publicUrl} this machine counts as ${address} (network ${clientNetwork(address)})`
  const isHidden = inside.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4') && !leadsToThisMachine(publicUrl)
  if (!isHidden) return [{ check, state: 'ok', finding }]
  const remedy = `if that is a proxy, all clients share one budget: set TRUST_PROXY, which is ${String(trustProxy)} now`
  return [{ check, state: 'warning', finding: `${finding}; ${remedy}` }]
}
