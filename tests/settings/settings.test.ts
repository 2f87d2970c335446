import { readFileSync } from 'node:fs'
import { parse } from 'dotenv'
import { envExample, withSettingsTable } from '../../dev/settings-documents.ts'
import { fileNameOf } from '../../src/kernel/setting.ts'
import { readConfig } from '../../src/settings/config.ts'
import { allSettings } from '../../src/settings/settings.ts'

const names = allSettings
  .flatMap((setting) => [setting.name, fileNameOf(setting)])
  .filter((name) => name !== undefined)
  .sort()

function read(file: string): string {
  return readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')
}

describe('.env.example', () => {
  const example = read('.env.example')
  const uncommented = example.replace(/^# ?(?=[A-Z_]+=)/gm, '')

  it('is what `npm run settings` writes', () => {
    expect(example).toBe(envExample())
  })

  it('lists every setting once and nothing else', () => {
    const listed = [...uncommented.matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name)
    expect(listed.sort()).toEqual(names)
  })

  it('sets nothing as it is', () => {
    expect(parse(example)).toEqual({})
  })

  it('shows the defaults: with every line uncommented nothing changes', () => {
    expect(readConfig(parse(uncommented))).toEqual(readConfig({}))
  })
})

describe('README.md', () => {
  it('has the table that `npm run settings` writes', () => {
    expect(read('README.md')).toBe(withSettingsTable(read('README.md')))
  })

  it('has every setting in its table and no other', () => {
    const [, section = ''] = /^## Settings$([\s\S]*?)^## /m.exec(read('README.md')) ?? []
    const firstCells = [...section.matchAll(/^\|([^|]*)\|/gm)].map(([, cell = '']) => cell)
    const listed = firstCells.flatMap((cell) => [...cell.matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name))
    expect(listed.sort()).toEqual(names)
  })
})
