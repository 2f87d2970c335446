/**
 * The browser's side of a mailed token, for the beginning of a page's script: `token` (null where there is none),
 * `post(path, fields)` and `say(text, bad)`, which writes into the element `status`.
 */
export const mailTokenScript = `
const token = new URLSearchParams(location.hash.slice(1) || location.search).get('token')
// It must not stay in the address bar and the history.
history.replaceState(null, '', location.pathname)
// A second link of this kind, opened in the same tab, would change the fragment and load nothing.
addEventListener('hashchange', () => location.reload())

const status = document.getElementById('status')
const say = (text, bad) => {
  status.textContent = text
  status.className = bad ? 'bad' : ''
}
if (!token) say('This link is not complete. Please open the link in the mail once more.', true)

const post = async (path, fields) => {
  try {
    const response = await fetch(path, {
      method: 'POST',
      credentials: 'omit',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ token, ...fields }),
    })
    const { detail, errors = [] } = await response.json()
    return { ok: response.ok, worthRetrying: response.status === 429 || response.status >= 500, detail, errors }
  } catch {
    return { ok: false, worthRetrying: true, detail: 'The server cannot be reached. Please try again in a moment.', errors: [] }
  }
}
`
