import { readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'

const features = fileURLToPath(new URL('../../src/features/', import.meta.url))
const schema = fileURLToPath(new URL('../../prisma/schema/', import.meta.url))

interface Table {
  /** The feature whose schema file declares the table. */
  readonly owner: string
  readonly name: string
  /** As Prisma's client calls it. */
  readonly model: string
}

const tables: readonly Table[] = readdirSync(schema).flatMap((file) => {
  const models = readFileSync(`${schema}${file}`, 'utf8').matchAll(/^model (\w+) \{.*?@@map\("(\w+)"\)/gms)
  return [...models].map(([, model = '', name = '']) => ({
    owner: basename(file, '.prisma'),
    name,
    model: model.charAt(0).toLowerCase() + model.slice(1),
  }))
})

const files = readdirSync(features, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => ({ path, feature: path.split('/')[0] ?? '', text: readFileSync(`${features}${path}`, 'utf8') }))

/** The tables of other features that the source names in SQL or through Prisma's client. */
function foreignTables({ feature, text }: { feature: string; text: string }): string[] {
  const named = ({ name, model }: Table) =>
    new RegExp(`\\b(FROM|INTO|UPDATE|JOIN) ${name}\\b|\\bdb\\.${model}\\b`).test(text)
  return tables.filter((table) => table.owner !== feature && named(table)).map(({ name }) => name)
}

describe('a table', () => {
  it('is touched by the feature that its schema file is named after, and by no other', () => {
    const others = files.filter(({ path }) => !path.includes('/statements/'))
    const touched = others.flatMap((file) => foreignTables(file).map((table) => `${file.path} touches ${table}`))
    expect(touched).toEqual([])
  })

  it('of another feature is touched by statements that say what this gains and costs', () => {
    const touching = files.filter((file) => file.path.includes('/statements/') && foreignTables(file).length > 0)
    const silent = touching.filter(({ text }) => !/\bgains?\b/i.test(text) || !/\bcosts?\b/i.test(text))
    expect(touching).not.toEqual([])
    expect(silent.map(({ path }) => path)).toEqual([])
  })
})
