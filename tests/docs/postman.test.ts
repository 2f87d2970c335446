import { readFileSync } from 'node:fs'
import { collectionText, environmentText } from '../../dev/postman-collection.ts'
import { story, variables } from '../../dev/postman-story.ts'
import { documents } from '../support/documents.ts'

interface Item {
  readonly id?: string
  readonly item?: readonly Item[]
  readonly request?: { readonly method: string; readonly url: { readonly raw: string } }
}

const written = collectionText(story)

function requestsIn(collection: string): readonly Item[] {
  const flat = (items: readonly Item[]): readonly Item[] => items.flatMap((one) => (one.item ? flat(one.item) : [one]))
  return flat((JSON.parse(collection) as { item: readonly Item[] }).item)
}

describe('the Postman collection', () => {
  it.each([
    ['docs/postman_collection.json', written],
    ['docs/postman_environment.json', environmentText()],
  ])('is what `npm run postman` writes: %s', (file, text) => {
    expect(readFileSync(file, 'utf8')).toBe(text)
  })

  it('has the same bytes each time', () => {
    expect(collectionText(story)).toBe(written)
  })

  it('gives each request an id of its own', () => {
    const requests = requestsIn(written)
    expect(new Set(requests.map(({ id }) => id)).size).toBe(requests.length)
  })

  it.each([
    ['with the story', story],
    ['without it', []],
  ])('has every operation of the document %s', (_, chapters) => {
    const operations = Object.entries(documents.get('v1')?.paths ?? {}).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} {{base_url}}/api/v1/auth${path}`),
    )
    const sent = requestsIn(collectionText(chapters)).map(({ request }) =>
      `${request?.method} ${request?.url.raw}`.replace(/:id|\{\{other_session_id\}\}/, '{id}'),
    )
    expect(sent).toEqual(expect.arrayContaining(operations))
  })

  it('uses no variable that the environment lacks', () => {
    const used = [...written.matchAll(/\{\{(\w+)\}\}/g), ...written.matchAll(/environment\.[gs]et\('(\w+)'/g)]
    expect(Object.keys(variables)).toEqual(expect.arrayContaining(used.map(([, name]) => name)))
  })
})
