import { existsSync, readFileSync } from 'node:fs'
import { targets } from '../support/endpoints.ts'

const page = readFileSync('docs/security.md', 'utf8')

const quoted = [...page.matchAll(/`(tests\/[^`]+)` “([^”]+)”/g)].map(([, file = '', title = '']) => ({ file, title }))
const named = [...page.matchAll(/`((?:src|tests|docs|prisma|\.ci)\/[^`\s]+)`/g)].map(([, path = '']) => path)

/** The requirements of levels 1 and 2 of ASVS 5.0.0, chapters V6, V7 and V9: how many each section has, by number and level. */
const requirements: Readonly<Record<string, string>> = {
  '6.1': '122',
  '6.2': '111111112222',
  '6.3': '1122',
  '6.4': '1122',
  '6.5': '22222',
  '6.6': '222',
  '6.8': '2222',
  '7.1': '222',
  '7.2': '1111',
  '7.3': '22',
  '7.4': '11222',
  '7.5': '22',
  '7.6': '22',
  '9.1': '111',
  '9.2': '1222',
}

describe('docs/security.md', () => {
  it.each(quoted)('names a test that exists: $file “$title”', ({ file, title }) => {
    const source = existsSync(file) ? readFileSync(file, 'utf8') : ''
    // As the first argument of a call, not in a comment or a longer title.
    expect([`'${title}'`, `"${title}"`].some((text) => source.replaceAll(/\(\s+/g, '(').includes(`(${text}`))).toBe(
      true,
    )
  })

  it.each([...new Set(named)])('names a path that exists: %s', (path) => {
    expect(existsSync(path)).toBe(true)
  })

  it('names the endpoints of every contract at which the password of an account is proven', () => {
    // At the others with a password it is chosen, or that of a registration which waits.
    const isProven = ({ name, takesPassword }: (typeof targets)[number]) =>
      takesPassword && !/^(register|createAccount|resetPassword|verifyEmail)/.test(name)
    const [, section = ''] = page.split('## The ways in\n')
    const [table = ''] = section.split('\n## ')
    const listed = [...table.matchAll(/`([A-Z]+ \/[^`]+)`(?=[^\n]* \|)/g)].map(([, route]) => route)
    expect(listed.toSorted()).toEqual(
      targets
        .filter(isProven)
        .map(({ route }) => route)
        .toSorted(),
    )
  })

  it('names a title with each test file in its tables', () => {
    const bare = [...page.matchAll(/`(tests\/[^`]+\.test\.ts)`(?! “[^”]+”)/g)].map(([, file]) => file)
    expect(bare).toEqual([])
    expect(quoted.length).toBeGreaterThan(60)
  })

  it('judges every requirement of the standard once, with evidence for each', () => {
    const rows = [...page.matchAll(/^\| (\d\.\d)\.(\d+) \| (\d) \| [^|]+ \| (met|not met|n\/a)\b[^|]* \| [^|]+ \|$/gm)]
    expect(rows.map(([, section, number, level]) => `${section}.${number} level ${level}`)).toEqual(
      Object.entries(requirements).flatMap(([section, levels]) =>
        [...levels].map((level, index) => `${section}.${index + 1} level ${level}`),
      ),
    )
  })

  it('names a remedy for every requirement that is not met', () => {
    const unmet = [...page.matchAll(/^\| \d\.\d\.\d+ .*\| not met.*$/gm)].map(([row]) => row)
    expect(unmet.length).toBeGreaterThan(0)
    for (const row of unmet) {
      const [, remedy = ''] = /remedy (\d) \|$/.exec(row) ?? []
      expect(page).toMatch(new RegExp(`^${remedy}\\. _`, 'm'))
    }
  })
})
