import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { chromium } from 'playwright-core'

/** Debian's Chromium, headless. Its pages are our own, and its sandbox does not run as root. */
export async function launchChromium(moreArgs: readonly string[] = []): Promise<Browser> {
  const folder = await mkdtemp(join(tmpdir(), 'chromium-'))
  const browser = await chromium.launch({
    env: { ...process.env, TMPDIR: folder },
    executablePath: '/usr/bin/chromium',
    // Pages come back from the back-forward cache, as they do for users.
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-quic', '--disable-sync', ...moreArgs],
  })
  // Processes that end in the middle of their work leave files behind.
  browser.once('disconnected', () => rmSync(folder, { recursive: true, force: true }))
  return browser
}
