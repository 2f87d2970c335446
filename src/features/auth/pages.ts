import type { Page, View } from '../../http/page.ts'
import { mailTokenScript } from '../mail/index.ts'

/** Where the link in a verification mail leads when no frontend is configured. */
export const verificationPage: Page = {
  path: '/verify-email',
  render: () => verificationView('api/v1/auth/verify_email'),
}

/** One button, which posts the token to that address. */
export function verificationView(target: string): View {
  return {
    kind: 'view',
    title: 'Verify your e-mail address',
    // A button and not the visit itself: programs that look at mails for their readers follow links too.
    body: `<div class="card">
<h1>Verify your e-mail address</h1>
<p id="status" role="status"></p>
<button id="verify" type="button" hidden>Verify my address</button>
<noscript><p>This page needs JavaScript.</p></noscript>
</div>`,
    script: `${mailTokenScript}
const button = document.getElementById('verify')
if (token) {
  say('One click, and your address is verified.')
  button.hidden = false
}
button.addEventListener('click', async () => {
  button.disabled = true
  const { ok, worthRetrying, detail } = await send('POST', ${JSON.stringify(target)})
  say(detail, !ok)
  button.hidden = !worthRetrying
  button.disabled = false
})
`,
  }
}
