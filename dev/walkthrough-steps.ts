export type Step =
  | { readonly kind: 'run'; readonly command: string }
  | { readonly kind: 'change' | 'make'; readonly file: string; readonly content: string }

/**
 * A walkthrough is Markdown whose fenced blocks are steps. Behind the language of a block stands the file that it is about: a `diff` changes
 * that file, and any other language makes it. `bash` without a file is run. Blocks of the language `text` or `mermaid` are for reading. As a
 * reader sees no file there, the line before the block names it too.
 */
export function readSteps(markdown: string): readonly Step[] {
  const blocks = [...markdown.matchAll(/^(.*)\n\n?```(\w+)(?: (\S+))?\n([\s\S]*?)^```$/gm)]
  const fences = markdown.match(/^```\w/gm) ?? []
  if (blocks.length !== fences.length) throw new Error('A block has no line before it')
  return blocks.flatMap(([, before = '', language = '', file, content = '']): Step[] => {
    if (language === 'text' || language === 'mermaid') return []
    if (language === 'bash' && file === undefined) return commandsIn(content)
    if (file === undefined) throw new Error(`This block names no file:\n${content}`)
    if (!before.includes(`\`${file}\``)) throw new Error(`The line before the block does not name ${file}: ${before}`)
    return [{ kind: language === 'diff' ? 'change' : 'make', file, content }]
  })
}

function commandsIn(content: string): Step[] {
  const commands = content.split('\n').filter((line) => line !== '')
  return commands.map((command) => ({ kind: 'run', command }))
}

/**
 * The text with the changes of a diff. Its parts are separated by lines that begin with @@, and found by the lines that stay or go, wherever
 * those stand. Throws unless each part is found exactly once.
 */
export function applyDiff(text: string, { file, content }: { file: string; content: string }): string {
  return content.split(/^@@.*\n/m).reduce((changed, part) => applyPart(changed, part, file), text)
}

function applyPart(text: string, part: string, file: string): string {
  const parts = part.replace(/\n$/, '').split('\n')
  const without = (sign: '+' | '-') => parts.filter((line) => !line.startsWith(sign)).map((line) => line.slice(1))
  const before = without('+')
  const lines = text.split('\n')
  const places = lines.flatMap((_, index) => (before.every((line, at) => lines[index + at] === line) ? [index] : []))
  const [place] = places
  if (place === undefined || places.length > 1) {
    const where = place === undefined ? 'nowhere' : 'more than once'
    throw new Error(`These lines stand ${where} in ${file}:\n${before.join('\n')}`)
  }
  return lines.toSpliced(place, before.length, ...without('-')).join('\n')
}
