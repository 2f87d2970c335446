import type { CookieSettings } from './cookies.ts'
import { createCookies } from './cookies.ts'
import type { RefreshTransport } from './refresh-transport.ts'
import { createRefreshTransport } from './refresh-transport.ts'
import type { LeaveCookies } from './response-cookies.ts'
import { createResponseCookies } from './response-cookies.ts'
import type { ReadDevice } from './trusted-device.ts'
import { createDeviceReader } from './trusted-device.ts'

/** How requests of browsers are served, which send cookies and say of which page they are. */
export interface BrowserRules {
  /** Those whose pages may call. */
  readonly listedOrigins: readonly string[]
  readonly refreshTransport: RefreshTransport
  readonly readDevice: ReadDevice
  readonly leaveCookies: LeaveCookies
  /** The kinds of site data that a logout asks browsers to clear. */
  readonly clearSiteData: readonly string[]
}

interface BrowserSettings {
  readonly cookies: CookieSettings
  readonly refreshTransport: 'client' | 'cookie' | 'body'
  readonly corsOrigins: readonly string[]
  readonly clearSiteData: readonly string[]
}

export function createBrowserRules(settings: BrowserSettings): BrowserRules {
  const { refreshTransport: choice, corsOrigins: listedOrigins, clearSiteData } = settings
  const cookies = createCookies(settings.cookies)
  const refreshTransport = createRefreshTransport({ choice, cookies, origins: listedOrigins })
  return {
    listedOrigins,
    refreshTransport,
    readDevice: createDeviceReader(cookies, listedOrigins),
    leaveCookies: createResponseCookies({ cookies, refreshTransport, listedOrigins }),
    clearSiteData,
  }
}
