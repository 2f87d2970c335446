/**
 * The browser's side of a mailed token, for the beginning of a page's script: `token` (from the fragment, the query or
 * the path; null where there is none), `send(method, path, fields)`, whose path is relative to the address of the link,
 * and `say(text, bad)`, which writes into the element `status`. What is sent holds the token; the answers may be of any of
 * our contracts.
 */
export const mailTokenScript = `
const opened = new URL(location.pathname, location.origin)
const inPath = opened.pathname.match(/(?<![\\w-])[\\w-]{43}(?![\\w-])/)?.[0]
const token = inPath ?? new URLSearchParams(location.hash.slice(1) || location.search).get('token')
// It must not stay in the address bar and the history. The same page is at the path without it.
history.replaceState(null, '', inPath ? opened.pathname.replace(inPath, '-') : opened.pathname)
// A second link of this kind, opened in the same tab, would change the fragment and load nothing.
addEventListener('hashchange', () => location.reload())

const status = document.getElementById('status')
const say = (text, bad) => {
  status.textContent = text
  status.className = bad ? 'bad' : ''
}
if (!token) say('This link is not complete. Please open the link in the mail once more.', true)

const send = async (method, path, fields) => {
  try {
    const response = await fetch(new URL(path, opened), {
      method,
      credentials: 'omit',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ token, ...fields }),
    })
    const { detail, errors = [], ...messages } = await response.json()
    // Field by field: problem details of our own API, or lists of sentences.
    const refusals = (field) => [
      ...errors.filter(({ pointer }) => pointer === '#/' + field).map((error) => error.detail),
      ...(messages[field] ?? []),
    ]
    const sentence = detail ?? Object.values(messages).flat().join(' ')
    return { ok: response.ok, worthRetrying: response.status === 429 || response.status >= 500, detail: sentence, refusals }
  } catch {
    return { ok: false, worthRetrying: true, detail: 'The server cannot be reached. Please try again in a moment.', refusals: () => [] }
  }
}
`
