import { createHash } from 'node:crypto'
import type { Operation } from './postman-document.ts'
import { checkedBody, exampleBodyOf, operations, prefix, requiredFieldsOf, successOf } from './postman-document.ts'
import type { Chapter, Step } from './postman-story.ts'
import { hiddenVariables, variables } from './postman-story.ts'

/** The collection as its file has it: the chapters, and the operations that they do not tell. */
export function collectionText(chapters: readonly Chapter[]): string {
  const told = new Set(chapters.flatMap(({ steps }) => steps.map(({ operation }) => operation)))
  const untold = operations.filter(({ operationId }) => !told.has(operationId))
  const folders = chapters.map(({ name, steps }) => ({ name, item: steps.map((step) => requestOf(step, name)) }))
  const rest = { name: 'Further endpoints', item: untold.map(exampleRequest) }
  return asText({
    info: {
      _postman_id: idOf('collection'),
      name: 'auth-server',
      description:
        'The life of an account at our own API. Run the folders in their order, or the whole collection: each request passes its tokens on through the environment. The server must show its mails at /mailbox, as it does outside production without EMAIL_HOST.\n\nThis file is written by npm run postman.',
      schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json',
    },
    auth: { type: 'bearer', bearer: [{ key: 'token', value: '{{access_token}}', type: 'string' }] },
    item: untold.length > 0 ? [...folders, rest] : folders,
  })
}

/** The environment as its file has it. */
export function environmentText(): string {
  return asText({
    id: idOf('environment'),
    name: 'auth-server',
    values: Object.entries(variables).map(([key, value]) => ({
      key,
      value,
      type: hiddenVariables.includes(key) ? 'secret' : 'default',
      enabled: true,
    })),
    _postman_variable_scope: 'environment',
  })
}

function asText(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`
}

/** Always the same UUID for the same words. */
function idOf(...words: readonly string[]): string {
  const hex = createHash('sha256').update(words.join('/')).digest('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  )
}

function requestOf(step: Step, chapter: string) {
  if (step.operation === undefined) return mailboxRequest(step, chapter)
  const operation = operations.find(({ operationId }) => operationId === step.operation)
  if (!operation) throw new Error(`The API has no operation ${step.operation}`)
  const status = String(step.refusal ?? successOf(operation))
  return item({
    id: idOf(chapter, step.name ?? operation.operationId),
    name: step.name ?? operation.summary,
    before: step.before ?? [],
    after: testScript(step, status, requiredFieldsOf(operation, status)),
    request: {
      ...requestLine(operation, step.path),
      ...(step.body && { body: jsonBody(checkedBody(operation, step.body)) }),
    },
  })
}

/** Sent as the document shows it, which need not succeed: the story does not tell what comes before. */
function exampleRequest(operation: Operation) {
  const example = exampleBodyOf(operation)
  return item({
    id: idOf('further', operation.operationId),
    name: operation.summary,
    before: [],
    after: ["pm.test('is answered', () => pm.expect(pm.response.code).to.be.below(500))"],
    request: { ...requestLine(operation), ...(example !== undefined && { body: jsonBody(example) }) },
  })
}

function mailboxRequest(step: Step, chapter: string) {
  const { name = '' } = step
  return item({
    id: idOf(chapter, name),
    name,
    before: [],
    after: testScript(step, '200', ['mails']),
    request: {
      method: 'GET',
      auth: { type: 'noauth' },
      header: [],
      url: url('/mailbox.json'),
      description: 'The mailbox of the development server, for programs on the same machine only.',
    },
  })
}

interface Item {
  readonly id: string
  readonly name: string
  readonly before: readonly string[]
  readonly after: readonly string[]
  readonly request: object
}

function item({ id, name, before, after, request }: Item) {
  const script = (listen: string, exec: readonly string[]) =>
    exec.length > 0 ? [{ listen, script: { type: 'text/javascript', exec } }] : []
  return { id, name, event: [...script('prerequest', before), ...script('test', after)], request, response: [] }
}

function requestLine({ method, path, description, security, requestBody }: Operation, values: Step['path'] = {}) {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name] ?? `:${name}`)
  return {
    method,
    ...(!security.some((means) => 'accessToken' in means) && { auth: { type: 'noauth' } }),
    header: requestBody ? [{ key: 'Content-Type', value: 'application/json' }] : [],
    url: url(`${prefix}${filled}`),
    description,
  }
}

function url(path: string) {
  return { raw: `{{base_url}}${path}`, host: ['{{base_url}}'], path: path.slice(1).split('/') }
}

function jsonBody(value: unknown) {
  return { mode: 'raw', raw: JSON.stringify(value, undefined, 2), options: { raw: { language: 'json' } } }
}

/** The status is tested before the body is read, so that a wrong answer says which it is. */
function testScript({ tests = {}, save = {}, refusal }: Step, status: string, fields: readonly string[]): string[] {
  const test = (title: string, expectation: string) => `pm.test('${title}', () => { ${expectation} })`
  const statusTest = test(
    refusal ? `is refused with ${status}` : `is answered with ${status}`,
    `pm.response.to.have.status(${status})`,
  )
  if (status === '204') return [statusTest]
  const names = fields.map((field) => `'${field}'`).join(', ')
  const named = fields.length > 0 && {
    'has the fields of the document': `pm.expect(body).to.include.all.keys(${names})`,
  }
  return [
    statusTest,
    'const body = pm.response.json()',
    ...Object.entries({ ...named, ...tests }).map(([title, expectation]) => test(title, expectation)),
    ...Object.entries(save).map(([name, value]) => `pm.environment.set('${name}', ${value})`),
  ]
}
