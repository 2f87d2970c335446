import type { IncomingMessage } from 'node:http'

type Headers = Pick<IncomingMessage['headers'], 'origin' | 'sec-fetch-site'>

/** Whether a browser sends the request for a page of this server or of a listed origin. Other pages cannot write these headers (ASVS 3.5). */
export function isFromListedPage(
  { origin, 'sec-fetch-site': site }: Headers,
  listedOrigins: readonly string[],
): boolean {
  return site === 'same-origin' || (origin !== undefined && listedOrigins.includes(origin))
}

/** Whether a browser sends it for any page, as far as it says so. */
export function isFromPage({ origin, 'sec-fetch-site': site }: Headers): boolean {
  return origin !== undefined || (site !== undefined && site !== 'none')
}
