import { isIP } from 'node:net'
import { listOf, settingType } from '../kernel/setting-types.ts'

/** A port, the path of a Unix socket (macOS has room for 103 bytes), or the socket that systemd hands over. */
export const listeningPlace = settingType(
  'a port from 0 to 65535, the absolute path of a Unix socket of 103 bytes at most, or systemd',
  (text): number | string | undefined => {
    if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text)
    const isPath = /^\/.*[^/]$/.test(text) && Buffer.byteLength(text) <= 103
    return isPath || text === 'systemd' ? text : undefined
  },
)

/** An http(s) address without user, query or fragment; its trailing slash is dropped. */
export const baseUrl = settingType(
  'an http or https address without user, query or fragment, such as https://auth.example.com',
  readBaseUrl,
)

export function readBaseUrl(text: string): string | undefined {
  const url = urlOf(text)
  const isFit = url && /^https?:$/.test(url.protocol) && !url.username && !url.password && !/[?#]/.test(text)
  return isFit ? url.href.replace(/\/+$/, '') : undefined
}

/** With names and passwords in the form that addresses want, and a number for a path. */
export const redisUrl = settingType('like redis://user:password@host:6379/0, or rediss:// for TLS', (text) => {
  const url = urlOf(text)
  const isRedis = url && /^rediss?:$/.test(url.protocol) && url.hostname !== '' && /^(\/\d{0,5})?$/.test(url.pathname)
  return isRedis && !/[?#]/.test(text) && [url.username, url.password].every(isDecodable) ? text : undefined
})

function urlOf(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined
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
 * A client chooses the address that it is counted by if more proxies are trusted than there are. Chains of a CDN,
 * balancers, an ingress and a sidecar have five.
 */
const mostProxies = 10

/** The number of proxies to believe, or their addresses: what Express calls "trust proxy". */
export const proxies = settingType(
  `the number of proxies in front of this server, ${mostProxies} at most, or their addresses or networks separated by commas, such as 10.0.0.0/8; "true" would trust every client`,
  (text): number | readonly string[] | undefined => {
    if (/^\d{1,2}$/.test(text) && Number(text) <= mostProxies) return Number(text)
    const items = listOf(text)
    return items.every(isNetwork) ? items : undefined
  },
)

function isNetwork(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/')
  const family = isIP(address)
  // The widest networks that one operator has are 10.0.0.0/8 and fc00::/7.
  const [shortest, longest] = family === 6 ? [7, 128] : [8, 32]
  const isWhole = prefix === undefined
  const isFit = isWhole || (/^\d{1,3}$/.test(prefix) && Number(prefix) >= shortest && Number(prefix) <= longest)
  return family !== 0 && isFit && rest.length === 0
}
