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
 * One button, which posts the token to that address; for a pending registration it then asks for the password of the
 * account, the registered one or a new one. The visit itself verifies nothing, as mail scanners follow links too. The
 * forms are POST for browsers that submit them without the script: a GET would put the password into the address.
 */
export function verificationView(target: string): View {
  return { kind: 'view', title: 'Verify your e-mail address', body: fillTemplate(template, { target }), script }
}
