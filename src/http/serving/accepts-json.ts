import type { IncomingMessage } from 'node:http'

/**
 * Whether a program asks that reads JSON and says so: its `Accept` names it, or it is a fetch() of this origin or a listed one. Programs
 * that look at the links in mails say nothing of the kind, and browsers say that they navigate or load ahead.
 */
export function asksForJson(
  { method, headers }: Pick<IncomingMessage, 'method' | 'headers'>,
  listedOrigins: readonly string[],
): boolean {
  const { accept = '', origin, 'sec-fetch-mode': mode, 'sec-purpose': purpose } = headers
  const isFetch = mode === 'cors' || mode === 'same-origin'
  if (method !== 'GET' || purpose !== undefined || (mode !== undefined && !isFetch)) return false
  if (/\btext\/html\b/i.test(accept)) return false
  // Browsers leave out the origin of a GET to the page's own.
  const isFetchOfOurs = origin === undefined ? isFetch : listedOrigins.includes(origin)
  return isFetchOfOurs || accept.split(',').some(namesJson)
}

function namesJson(mediaRange: string): boolean {
  const [type = '', ...parameters] = mediaRange.split(';').map((part) => part.trim().toLowerCase())
  return type === 'application/json' && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))
}
