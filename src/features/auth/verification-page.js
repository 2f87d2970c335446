import { element, say, send, token } from '../mail/mail-token.js'

const { target = '' } = element('card').dataset
const [verifyButton, choices, rename] = [element('verify'), element('choices'), element('rename')]

/**
 * @param {HTMLElement} control
 * @param {Record<string, unknown>} fields
 */
const verify = async (control, fields) => {
  const { value: username } = /** @type {HTMLInputElement} */ (element('username'))
  control.toggleAttribute('disabled', true)
  const sent = username === '' ? fields : { ...fields, username }
  const { ok, worthRetrying, detail, refusals } = await send('POST', target, sent)
  control.toggleAttribute('disabled', false)
  const refused = ['password', 'new_password', 'username'].flatMap(refusals)
  const isAsked = choices.hidden && refused.length > 0
  say(isAsked ? 'Which password shall your account have?' : refused.join('; ') || detail, !ok && !isAsked)
  if (refusals('username').length > 0) rename.hidden = false
  if (refused.length > 0) {
    verifyButton.hidden = true
    choices.hidden = false
  } else if (!worthRetrying) {
    verifyButton.hidden = true
    choices.hidden = true
  }
}

if (token) {
  say('One click, and your address is verified.')
  verifyButton.hidden = false
}
verifyButton.addEventListener('click', () => void verify(verifyButton, {}))
for (const form of document.querySelectorAll('form')) {
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    const button = form.querySelector('button')
    if (button) void verify(button, Object.fromEntries(new FormData(form)))
  })
}
