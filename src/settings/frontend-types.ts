import { list, settingType } from '../kernel/setting-types.ts'
import { readBaseUrl } from './network-types.ts'

/** Schemes that open no particular application, or whose pages have no origin. `intent` opens any that the rest of the address names. */
const unfitSchemes = [
  ...['about', 'blob', 'data', 'file', 'filesystem', 'ftp', 'intent', 'javascript'],
  ...['mailto', 'null', 'vbscript', 'view-source', 'ws', 'wss'],
]

/** Whether applications use such a scheme: `myapp`, `capacitor`, `chrome-extension`. */
function isApplicationScheme(scheme: string): boolean {
  // No application has a scheme such as htps, which is https with a typing error.
  return !/^h[tps]{2,6}$/i.test(scheme) && !unfitSchemes.includes(scheme.toLowerCase())
}

/** The address of a frontend: an http or https address, or one that opens an application (RFC 8252, section 7.1), such as myapp://app. */
export const frontendUrl = settingType(
  'an http or https address without user, query or fragment, such as https://app.example.com, or one that opens an application, such as myapp://app',
  (text) => {
    const [, scheme] = /^([a-z][a-z\d+.-]*):\/\/[\w.-]+(?:\/[^\s?#@]*)?$/i.exec(text) ?? []
    return scheme !== undefined && isApplicationScheme(scheme) ? text.replace(/\/+$/, '') : readBaseUrl(text)
  },
)

export const origins = list(
  'exact origins separated by commas, such as https://app.example.com or capacitor://localhost (no path, no trailing slash, no *: name each host)',
  isOrigin,
)

/** Whether browsers write an origin like this. The URL class says `null` for an application's, which is also the origin of every sandboxed page. */
function isOrigin(text: string): boolean {
  const [, scheme] = /^([a-z][a-z\d+.-]*):\/\/[\w.-]+(?::\d+)?$/.exec(text) ?? []
  // Browsers write the host of an application's page in small letters, but for the identifiers of Safari's extensions.
  if (scheme !== undefined && isApplicationScheme(scheme)) {
    return scheme === 'safari-web-extension' || text === text.toLowerCase()
  }
  return URL.canParse(text) && new URL(text).origin === text && /^https?:[^*]+$/.test(text)
}

/** Names of request headers (RFC 9110, section 5.6.2). */
export const headerNames = list(
  'names of request headers separated by commas, such as X-Tenant (no *: name each header)',
  (item) => /^[\w!#$%&'+.^`|~-]+$/.test(item),
)

/** Not "cookies": they would be those of the whole registrable domain, other applications' too. */
export const siteData = list(
  'cache, storage or both, separated by commas; remove it to have nothing cleared',
  (item) => item === 'cache' || item === 'storage',
)
