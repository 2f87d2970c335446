import { readdirSync, readFileSync } from 'node:fs'
import { applyDiff, readSteps } from '../../dev/walkthrough-steps.ts'

const folder = 'docs/walkthroughs'

const fenced = (info: string, ...lines: string[]) => [`\`\`\`${info}`, ...lines, '```', ''].join('\n')

describe('the steps of a walkthrough', () => {
  it('are its blocks that name a file, and its commands, in their order', () => {
    const markdown = [
      '# A walkthrough',
      'In `src/a.ts`:',
      fenced('diff src/a.ts', '+one'),
      'For reading:',
      fenced('text', 'to be read'),
      'A new file `src/b.ts`:',
      '',
      fenced('ts src/b.ts', 'const b = 1'),
      'Run:',
      fenced('bash', 'npm run one', 'npm run two'),
    ].join('\n')
    expect(readSteps(markdown)).toEqual([
      { kind: 'change', file: 'src/a.ts', content: '+one\n' },
      { kind: 'make', file: 'src/b.ts', content: 'const b = 1\n' },
      { kind: 'run', command: 'npm run one' },
      { kind: 'run', command: 'npm run two' },
    ])
  })

  it('name their file, for the reader too', () => {
    expect(() => readSteps(`In \`src/a.ts\`:\n${fenced('ts', 'const a = 1')}`)).toThrow('names no file')
    expect(() => readSteps(`Elsewhere:\n${fenced('ts src/a.ts', 'const a = 1')}`)).toThrow('does not name src/a.ts')
    expect(() => readSteps(fenced('ts src/a.ts', 'const a = 1'))).toThrow('no line before')
  })

  it.each(readdirSync(folder))('can be read in %s', (file) => {
    expect(readSteps(readFileSync(`${folder}/${file}`, 'utf8')).length).toBeGreaterThan(4)
  })

  it.each(readdirSync(folder))('change lines that stand in the project, in %s', (file) => {
    const written = new Map<string, string>()
    for (const step of readSteps(readFileSync(`${folder}/${file}`, 'utf8'))) {
      if (step.kind === 'make') written.set(step.file, step.content)
      if (step.kind !== 'change') continue
      written.set(step.file, applyDiff(written.get(step.file) ?? readFileSync(step.file, 'utf8'), step))
    }
    expect(written.size).toBeGreaterThan(1)
  })
})

describe('a diff of a walkthrough', () => {
  const text = 'one\ntwo\nthree\nfour\n'
  const change = (content: string, before = text) => applyDiff(before, { file: 'numbers.txt', content })

  it('adds and removes lines wherever the others stand', () => {
    expect(change(' two\n+between\n three\n')).toBe('one\ntwo\nbetween\nthree\nfour\n')
    expect(change('-one\n+eins\n')).toBe('eins\ntwo\nthree\nfour\n')
    expect(change('-one\n two\n@@\n-four\n+vier\n')).toBe('two\nthree\nvier\n')
  })

  it.each([
    ['nowhere', ' five\n+six\n'],
    ['more than once', ' same\n+more\n'],
  ])('is refused when its lines stand %s', (where, diff) => {
    expect(() => change(diff, `${text}same\nsame\n`)).toThrow(`${where} in numbers.txt`)
  })
})
