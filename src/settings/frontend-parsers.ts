import type { Parser } from './parsers.ts'
import { baseUrl, list, refuse } from './parsers.ts'

/** Schemes by which no application has itself opened, or whose pages have no origin. */
const unfitSchemes = [
  'about',
  'blob',
  'data',
  'file',
  'filesystem',
  'ftp',
  'javascript',
  'mailto',
  'null',
  'vbscript',
  'ws',
  'wss',
]

/** Whether applications use such a scheme: `myapp`, `capacitor`, `chrome-extension`. */
function isApplicationScheme(scheme: string): boolean {
  // None is called so: htps is https with a slip.
  return !/^h[tps]{2,6}$/i.test(scheme) && !unfitSchemes.includes(scheme.toLowerCase())
}

/** The address of a frontend: an http or https address, or one that opens an application (RFC 8252, section 7.1), such as myapp://app. */
export const frontendUrl: Parser<string> = (text) => {
  const [, scheme] = /^([a-z][a-z\d+.-]*):\/\/[\w.-]+(?:\/[^\s?#@]*)?$/i.exec(text) ?? []
  return scheme !== undefined && isApplicationScheme(scheme) ? text.replace(/\/+$/, '') : baseUrl(text)
}

export const origins: Parser<string[]> = (text) =>
  list(text).map((item) =>
    isOrigin(item)
      ? item
      : refuse(
          'must be exact origins separated by commas, such as https://app.example.com or capacitor://localhost (no path, no trailing slash, no *: name each host)',
        ),
  )

/** Whether browsers write an origin so. Of an application's the URL class says `null`, which is also the origin of every sandboxed page. */
function isOrigin(text: string): boolean {
  const [, scheme] = /^([a-z][a-z\d+.-]*):\/\/[\w.-]+(?::\d+)?$/.exec(text) ?? []
  // Browsers write the host of an application's page in small letters, but for the identifiers of Safari's extensions.
  if (scheme !== undefined && isApplicationScheme(scheme)) {
    return scheme === 'safari-web-extension' || text === text.toLowerCase()
  }
  return URL.canParse(text) && new URL(text).origin === text && /^https?:[^*]+$/.test(text)
}

/** Names of request headers (RFC 9110, section 5.6.2). */
export const headerNames: Parser<string[]> = (text) =>
  list(text).map((item) =>
    /^[\w!#$%&'+.^`|~-]+$/.test(item)
      ? item
      : refuse('must be names of request headers separated by commas, such as X-Tenant (no *: name each header)'),
  )
