import type { ErrorDefinition } from '../../kernel/errors.ts'
import { issueCodes } from '../../kernel/errors.ts'
import { escapeHtml } from '../../kernel/html.ts'
import type { Page } from './page.ts'

/** Where the `type` of a problem leads: every code there is, with its status and what it means. */
export function createProblemsPage(definitions: Iterable<ErrorDefinition>): Page {
  const rows = [...new Set(definitions)]
    .toSorted((a, b) => a.status - b.status || a.code.localeCompare(b.code))
    .map(
      ({ code, status, message }) =>
        `<tr id="${code}"><td>${status}</td><td><code>${code}</code></td><td>${escapeHtml(message)}</td></tr>`,
    )
  const issueRows = Object.entries(issueCodes).map(
    ([code, message]) => `<tr><td><code>${code}</code></td><td>${escapeHtml(message)}</td></tr>`,
  )
  const body = `<h1>Problems</h1>
<p>Refusals are <code>application/problem+json</code> (RFC 9457). Programs branch on <code>code</code>, which stays.</p>
<table>
<thead><tr><th scope="col">Status</th><th scope="col">Code</th><th scope="col">Meaning</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table>
<h2>In <code>errors</code></h2>
<p>What is wrong with which field: one of the codes above, or one of these.</p>
<table>
<thead><tr><th scope="col">Code</th><th scope="col">Meaning</th></tr></thead>
<tbody>
${issueRows.join('\n')}
</tbody>
</table>
<h2>In <code>step</code></h2>
<p><code>step_required</code> names what has to be done first: <code>name</code> is the step, <code>ticket</code> is sent along with it
where there is one, and <code>max_age</code> says how many seconds ago it may have been done at most.</p>`
  return { path: '/problems', render: () => ({ kind: 'view', title: 'Problems', body }) }
}
