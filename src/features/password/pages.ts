import type { Page, View } from '../../http/pages/page.ts'
import { mailTokenScript } from '../mail/index.ts'

/** Where the link in a reset mail leads when no frontend is configured. */
export const passwordResetPage: Page = {
  path: '/reset-password',
  render: () => passwordResetView({ method: 'POST', target: 'api/v1/auth/reset_password', field: 'new_password' }),
}

/** A form, which sends the token and the new password, in that field, to that address. */
export function passwordResetView(order: { method: 'POST' | 'PATCH'; target: string; field: string }): View {
  const { method, target, field } = order
  return {
    kind: 'view',
    title: 'Set a new password',
    // The method is for browsers that submit the form themselves: a GET would put the password into the address.
    body: `<div class="card">
<h1>Set a new password</h1>
<p id="status" role="status"></p>
<form id="form" method="post" hidden>
<label for="password">New password</label>
<input id="password" type="password" autocomplete="new-password" required aria-describedby="status">
<p><label><input id="show" type="checkbox"> Show it</label></p>
<button id="submit">Set the password</button>
</form>
<noscript><p>This page needs JavaScript.</p></noscript>
</div>`,
    script: `${mailTokenScript}
const form = document.getElementById('form')
const password = document.getElementById('password')
const submit = document.getElementById('submit')
form.hidden = !token
document.getElementById('show').addEventListener('change', ({ target }) => {
  password.type = target.checked ? 'text' : 'password'
})
form.addEventListener('submit', async (event) => {
  event.preventDefault()
  submit.disabled = true
  const { ok, worthRetrying, detail, refusals } = await send('${method}', ${JSON.stringify(target)}, { ${field}: password.value })
  const refused = refusals('${field}')
  say(refused.length > 0 ? 'New password: ' + refused.join('; ') : detail, !ok)
  password.ariaInvalid = String(refused.length > 0)
  form.hidden = refused.length === 0 && !worthRetrying
  submit.disabled = false
  if (!form.hidden) password.focus()
})
`,
  }
}
