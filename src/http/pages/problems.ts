import type { ErrorDefinition } from '../../kernel/errors.ts'
import { issueCodes } from '../../kernel/errors.ts'
import { fillTemplate } from '../../kernel/html.ts'
import { readPageFile } from '../../kernel/page-files.ts'
import type { Page } from './page.ts'

const template = readPageFile('problems.html', import.meta.url)

/** The page that the `type` of a problem leads to: every code there is, with its status and what it means. */
export function createProblemsPage(definitions: readonly ErrorDefinition[]): Page {
  // Put together when it is asked for: sorting by words loads the tables of ICU, for which no start waits.
  const body = () =>
    fillTemplate(template, {
      problems: [...new Set(definitions)]
        .toSorted((a, b) => a.status - b.status || a.code.localeCompare(b.code))
        .map(({ code, status, message }) => ({ code, status, message })),
      issues: Object.entries(issueCodes).map(([code, message]) => ({ code, message })),
    })
  return { path: '/problems', render: () => ({ kind: 'view', title: 'Problems', body: body() }) }
}
