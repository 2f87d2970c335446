import type { Page, View } from '../../http/pages/page.ts'
import { mailTokenScript } from '../mail/index.ts'

/** Where the link in a verification mail leads when no frontend is configured. */
export const verificationPage: Page = {
  path: '/verify-email',
  render: () => verificationView('api/v1/auth/verify_email'),
}

/**
 * One button, which posts the token to that address; where a registration waits, it then asks for the password of the
 * account, which is the one that was registered or a new one.
 */
export function verificationView(target: string): View {
  return {
    kind: 'view',
    title: 'Verify your e-mail address',
    // A button and not the visit itself: programs that look at mails for their readers follow links too.
    // The method is for browsers that submit a form themselves: a GET would put the password into the address.
    body: `<div class="card">
<h1>Verify your e-mail address</h1>
<p id="status" role="status"></p>
<button id="verify" type="button" hidden>Verify my address</button>
<div id="choices" hidden>
<p id="rename" hidden>
<label for="username">Another username</label>
<input id="username" type="text" autocomplete="username" maxlength="150">
</p>
<form method="post">
<label for="password">The password that you registered with</label>
<input id="password" name="password" type="password" autocomplete="current-password" required aria-describedby="status">
<p><button>Continue with this password</button></p>
</form>
<form method="post">
<label for="new_password">Or a new password</label>
<input id="new_password" name="new_password" type="password" autocomplete="new-password" required aria-describedby="status">
<p><button>Continue with a new password</button></p>
</form>
</div>
<noscript><p>This page needs JavaScript.</p></noscript>
</div>`,
    script: `${mailTokenScript}
const [button, choices, rename, username] = ['verify', 'choices', 'rename', 'username'].map((id) => document.getElementById(id))
const verify = async (control, fields) => {
  control.disabled = true
  const sent = username.value === '' ? fields : { ...fields, username: username.value }
  const { ok, worthRetrying, detail, refusals } = await send('POST', ${JSON.stringify(target)}, sent)
  control.disabled = false
  const refused = ['password', 'new_password', 'username'].flatMap(refusals)
  const isAsked = choices.hidden && refused.length > 0
  say(isAsked ? 'Which password shall your account have?' : refused.join('; ') || detail, !ok && !isAsked)
  if (refusals('username').length > 0) rename.hidden = false
  if (refused.length > 0) [button.hidden, choices.hidden] = [true, false]
  else if (!worthRetrying) button.hidden = choices.hidden = true
}
if (token) {
  say('One click, and your address is verified.')
  button.hidden = false
}
button.addEventListener('click', () => verify(button, {}))
for (const form of document.querySelectorAll('form')) {
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    verify(form.querySelector('button'), Object.fromEntries(new FormData(form)))
  })
}
`,
  }
}
