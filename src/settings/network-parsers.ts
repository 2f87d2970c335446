import { isIP } from 'node:net'
import { readDatabaseTls } from '../kernel/database-tls.ts'
import { list, refuse } from './parsers.ts'

/** A port, the absolute path of a Unix socket (macOS has room for 103 bytes), or the socket that systemd hands over. */
export function listeningPlace(text: string): number | string {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text)
  const isPath = /^\/.*[^/]$/.test(text) && Buffer.byteLength(text) <= 103
  return isPath || text === 'systemd'
    ? text
    : refuse('must be a port from 0 to 65535, the absolute path of a Unix socket of 103 bytes at most, or systemd')
}

export function postgresUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^postgres(ql)?:$/.test(url.protocol) || url.pathname.length <= 1) {
    return refuse('must look like postgresql://user:password@host:5432/database')
  }
  try {
    readDatabaseTls(text)
  } catch (error) {
    refuse((error as Error).message)
  }
  return text
}

/** With names and passwords in the form that addresses want, and a number for a path. */
export function redisUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isRedis = url && /^rediss?:$/.test(url.protocol) && url.hostname !== '' && /^(\/\d{0,5})?$/.test(url.pathname)
  return isRedis && !/[?#]/.test(text) && [url.username, url.password].every(isDecodable)
    ? text
    : refuse('must look like redis://user:password@host:6379/0, or rediss:// for TLS')
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

/**
 * Each hop that is trusted and not there lets clients write the address that they are counted by. Chains of a CDN, balancers,
 * an ingress and a sidecar have five hops.
 */
const mostHops = 10

/** How many proxies to believe, or which: what Express calls "trust proxy". */
export function proxies(text: string): number | string[] {
  if (/^\d{1,2}$/.test(text) && Number(text) <= mostHops) return Number(text)
  const remedy =
    'must be the number of proxies in front of this server, 10 at most, or their addresses or networks separated by commas, such as 10.0.0.0/8; "true" would believe anybody'
  return list(text).map((item) => {
    const [address = '', prefix, ...rest] = item.split('/')
    const family = isIP(address)
    // The widest networks that one operator has are 10.0.0.0/8 and fc00::/7.
    const [shortest, longest] = family === 6 ? [7, 128] : [8, 32]
    const isNetwork =
      prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) >= shortest && Number(prefix) <= longest)
    return family !== 0 && isNetwork && rest.length === 0 ? item : refuse(remedy)
  })
}
