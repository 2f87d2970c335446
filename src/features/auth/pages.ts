import type { Page, View } from '../../http/pages/page.ts'
import { fillTemplate } from '../../kernel/html.ts'
import { joinScripts, readPageFile } from '../../kernel/page-files.ts'
import { mailTokenScript } from '../mail/index.ts'

const template = readPageFile('verification-page.html', import.meta.url)
const script = joinScripts(mailTokenScript, readPageFile('verification-page.js', import.meta.url))

/** The page that the link in a verification mail leads to when no frontend is configured. */
export const verificationPage: Page = {
  path: '/verify-email',
  render: () => verificationView('api/v1/auth/verify_email'),
}

/**
 * One button, which posts the token to that address; where a registration waits, it then asks for the password of the
 * account, which is the one that was registered or a new one. A button and not the visit itself verifies, as programs
 * that look at mails for their readers follow links too. The forms are POST for browsers that submit them without the
 * script: a GET would put the password into the address.
 */
export function verificationView(target: string): View {
  return { kind: 'view', title: 'Verify your e-mail address', body: fillTemplate(template, { target }), script }
}
