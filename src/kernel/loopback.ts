import { BlockList, isIP } from 'node:net'

const addresses = new BlockList()
addresses.addSubnet('127.0.0.0', 8, 'ipv4')
addresses.addAddress('::1', 'ipv6')

/** Whether this name or address, an IPv6 address with or without brackets, is this machine for every resolver (RFC 6761, section 6.3). */
export function isLoopback(host: string): boolean {
  const name = host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
  const family = isIP(name)
  if (family === 0) return name === 'localhost' || name.endsWith('.localhost')
  return addresses.check(name, family === 6 ? 'ipv6' : 'ipv4')
}

/** Whether the web address leads to this machine. An address that opens an application leads to no machine. */
export function leadsToThisMachine(url: string): boolean {
  return isOfTheWeb(url) && isLoopback(new URL(url).hostname)
}

/** Whether the web address leads to another machine. */
export function leadsElsewhere(url: string): boolean {
  return isOfTheWeb(url) && !isLoopback(new URL(url).hostname)
}

function isOfTheWeb(url: string): boolean {
  return /^https?:/i.test(url)
}
