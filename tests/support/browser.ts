import type { Browser } from 'playwright-core'
import { chromium } from 'playwright-core'

/** Debian's Chromium, headless. Its pages are our own, and its sandbox does not run as root. */
export function launchChromium(moreArgs: readonly string[] = []): Promise<Browser> {
  return chromium.launch({
    executablePath: '/usr/bin/chromium',
    // Pages come back from the back-forward cache, as they do for users.
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-quic', '--disable-sync', ...moreArgs],
  })
}
