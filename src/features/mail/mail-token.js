// The browser's side of a mailed token, for the scripts of pages that links in mails lead to. The answers may be of any of our contracts.

const opened = new URL(location.pathname, location.origin)
const inPath = opened.pathname.match(/(?<![\w-])[\w-]{43}(?![\w-])/)?.[0]
/** From the path, the fragment or the query; null where there is none. */
export const token = inPath ?? new URLSearchParams(location.hash.slice(1) || location.search).get('token')
// It must not stay in the address bar and the history. The same page is at the path without it.
history.replaceState(null, '', inPath ? opened.pathname.replace(inPath, '-') : opened.pathname)
// A second link of this kind, opened in the same tab, would change the fragment and load nothing.
addEventListener('hashchange', () => location.reload())

/**
 * The element with that id, which the page has.
 * @template {HTMLElement} [Kind=HTMLElement]
 * @param {string} id
 */
export const element = (id) => /** @type {Kind} */ (document.getElementById(id))

/**
 * Writes into the element `status`.
 * @param {string} text
 * @param {boolean} [bad]
 */
export const say = (text, bad) => {
  const status = element('status')
  status.textContent = text
  status.className = bad ? 'bad' : ''
}
if (!token) say('This link is not complete. Please open the link in the mail once more.', true)

/**
 * Sends the token and these fields to a path that is relative to the address of the link.
 * @param {string} method
 * @param {string} path
 * @param {Record<string, unknown>} fields
 */
export const send = async (method, path, fields) => {
  try {
    const response = await fetch(new URL(path, opened), {
      method,
      credentials: 'omit',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ token, ...fields }),
    })
    /** @type {{ detail?: string, errors?: { pointer: string, detail: string }[], [field: string]: unknown }} */
    const { detail, errors = [], ...messages } = await response.json()
    /**
     * The mistakes in a field: problem details of our own API, or lists of sentences.
     * @param {string} field
     */
    const refusals = (field) => [
      ...errors.filter(({ pointer }) => pointer === `#/${field}`).map((error) => error.detail),
      .../** @type {string[]} */ (messages[field] ?? []),
    ]
    const sentence = detail ?? Object.values(messages).flat().join(' ')
    const worthRetrying = response.status === 429 || response.status >= 500
    return { ok: response.ok, worthRetrying, detail: sentence, refusals }
  } catch {
    const detail = 'The server cannot be reached. Please try again in a moment.'
    return { ok: false, worthRetrying: true, detail, refusals: () => [] }
  }
}
