import type { Page, View } from '../../http/pages/page.ts'
import { fillTemplate } from '../../kernel/html.ts'
import { joinScripts, readPageFile } from '../../kernel/page-files.ts'
import { mailTokenScript } from '../mail/index.ts'

const template = readPageFile('reset-page.html', import.meta.url)
const script = joinScripts(mailTokenScript, readPageFile('reset-page.js', import.meta.url))

/** The page that the link in a reset mail leads to when no frontend is configured. */
export const passwordResetPage: Page = {
  path: '/reset-password',
  render: () => passwordResetView({ method: 'POST', target: 'api/v1/auth/reset_password', field: 'new_password' }),
}

/**
 * A form, which sends the token and the new password, in that field, to that address. It is a POST for browsers that submit
 * it without the script: a GET would put the password into the address.
 */
export function passwordResetView(request: { method: 'POST' | 'PATCH'; target: string; field: string }): View {
  return { kind: 'view', title: 'Set a new password', body: fillTemplate(template, request), script }
}
