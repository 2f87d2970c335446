import type { Page } from '../../http/pages/page.ts'
import { fillTemplate } from '../../kernel/html.ts'
import { readPageFile } from '../../kernel/page-files.ts'

const template = readPageFile('old-link.html', import.meta.url)

/** The paths in mails of Django and its packages, below the address that this server has taken over, as their documentation has them. */
const mailed = {
  '/accounts/reset/:uid/:token': 'reset',
  '/accounts/password/reset/key/:key': 'reset',
  '/password/reset/confirm/:uid/:token': 'reset',
  '/dj-rest-auth/password/reset/confirm/:uid/:token': 'reset',
  '/accounts/confirm-email/:key': 'verification',
  '/dj-rest-auth/registration/account-confirm-email/:key': 'verification',
  '/activate/:uid/:token': 'verification',
} as const

const remedies = {
  reset: 'To set a new password, ask for a new link where you log in.',
  verification: 'Log in as usual. If your address has still to be verified, ask for a new mail there.',
}

/** Say what to do to users who open a link that Django has mailed: its tokens are Django's own, and no server can check them without it. */
export function createOldLinkPages(start: string): readonly Page[] {
  return Object.entries(mailed).flatMap(([path, kind]) => {
    const body = fillTemplate(template, { remedy: remedies[kind], start })
    const render = () => ({ kind: 'view', title: 'This link is no longer valid', body }) as const
    return [
      { path, render },
      { path: `${path}/`, render },
    ]
  })
}
