import { element, say, send, token } from '../mail/mail-token.js'

const form = element('form')
const password = /** @type {HTMLInputElement} */ (element('password'))
const show = /** @type {HTMLInputElement} */ (element('show'))
const submit = /** @type {HTMLButtonElement} */ (element('submit'))
const { method = 'POST', target = '', field = '' } = form.dataset

form.hidden = !token
show.addEventListener('change', () => {
  password.type = show.checked ? 'text' : 'password'
})
form.addEventListener('submit', async (event) => {
  event.preventDefault()
  submit.disabled = true
  const { ok, worthRetrying, detail, refusals } = await send(method, target, { [field]: password.value })
  const refused = refusals(field)
  say(refused.length > 0 ? `New password: ${refused.join('; ')}` : detail, !ok)
  password.ariaInvalid = String(refused.length > 0)
  form.hidden = refused.length === 0 && !worthRetrying
  submit.disabled = false
  if (!form.hidden) password.focus()
})
