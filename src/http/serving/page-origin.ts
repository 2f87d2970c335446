import type { IncomingMessage } from 'node:http'

type Headers = Pick<IncomingMessage['headers'], 'origin' | 'sec-fetch-site'>

/** Whether a browser sends the request for a page of this server or of a listed origin. Other pages cannot write these headers (ASVS 3.5). */
export function isFromListedPage(
  { origin, 'sec-fetch-site': site }: Headers,
  listedOrigins: readonly string[],
): boolean {
  return site === 'same-origin' || (origin !== undefined && listedOrigins.includes(origin))
}

/** Whether a browser sends it for a page of another origin that is not listed. Programs send neither header. */
export function isFromForeignPage(headers: Headers, listedOrigins: readonly string[]): boolean {
  const { origin, 'sec-fetch-site': site } = headers
  const isFromPage = origin !== undefined || (site !== undefined && site !== 'none')
  return isFromPage && !isFromListedPage(headers, listedOrigins)
}
