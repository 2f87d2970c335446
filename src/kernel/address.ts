import { isIPv6 } from 'node:net'

/** An address in the one form in which it is stored and logged: an IPv4 address that is written as an IPv6 one becomes IPv4. */
export function plainAddress(address: string): string {
  const groups = groupsOf(address)
  const isMapped = groups?.slice(0, 6).join() === '0,0,0,0,0,65535'
  return isMapped
    ? groups
        .slice(6)
        .flatMap((group) => [group >> 8, group & 0xff])
        .join('.')
    : address
}

/**
 * The network that stands for a client wherever something is limited per client: an IPv4 address by itself, an IPv6
 * address by its /56, which is what providers give to one customer (RIPE-690). A /64 would give that customer 256 budgets.
 */
export function clientNetwork(address: string): string {
  return networkOf(address, 56)
}

/** The /48 of an IPv6 address, which providers give to one site; undefined for IPv4. */
export function clientSite(address: string): string | undefined {
  return isIPv6(plainAddress(address)) ? networkOf(address, 48) : undefined
}

function networkOf(address: string, prefixLength: 48 | 56): string {
  const plain = plainAddress(address)
  const groups = groupsOf(plain)
  if (!groups) return plain
  const kept = [...groups.slice(0, 3), prefixLength === 56 ? (groups[3] ?? 0) & 0xff00 : 0]
  return `${kept.map((group) => group.toString(16)).join(':')}::/${prefixLength}`
}

/** The eight groups of an IPv6 address, whatever form it is written in; undefined for anything else. */
function groupsOf(address: string): number[] | undefined {
  // A fast check for IPv4: every request calls this, and most addresses are IPv4.
  if (!address.includes(':') || !isIPv6(address)) return undefined
  const [withoutZone = ''] = address.split('%')
  const [before = [], after = []] = new URL(`http://[${withoutZone}]`).hostname
    .slice(1, -1)
    .split('::')
    .map((part) => part.split(':').flatMap((group) => (group === '' ? [] : [Number.parseInt(group, 16)])))
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after]
}
