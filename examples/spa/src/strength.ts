interface Strength {
  /** From 0, for no password, to 4. */
  readonly score: number
  readonly text: string
}

const texts = [
  '',
  'Weak: a program guesses it in seconds',
  'Could be better: add a word or two',
  'Good',
  'Very good',
] as const

const common =
  /password|passw0rd|passwort|qwert[yz]|asdfgh|letmein|welcome|iloveyou|admin|login|monkey|dragon|football|master|sunshine|princess|secret/g

/**
 * A rough estimate while one types: how many guesses the length and the kinds of characters leave. Common words, parts
 * of the account, repetitions and sequences count as one character each. The server has the last word.
 */
export function strengthOf(password: string, personal: readonly string[] = []): Strength {
  let rest = password.toLowerCase().replace(common, '~')
  for (const part of personal.flatMap((text) => text.toLowerCase().split(/[^\p{L}\p{N}]+/u))) {
    if (part.length >= 3) rest = rest.replaceAll(part, '~')
  }
  const bits = countSteps(rest) * Math.log2(poolOf(password))
  const score = password === '' ? 0 : bits < 36 ? 1 : bits < 56 ? 2 : bits < 80 ? 3 : 4
  return { score, text: texts[score] }
}

/** The characters that do not merely go on as the one before them: `aaa` and `abc` count as one. */
function countSteps(text: string): number {
  let count = 0
  let lastStep: number | undefined
  const codes = [...text].map((character) => character.codePointAt(0) ?? 0)
  for (const [index, code] of codes.entries()) {
    const step = code - (codes[index - 1] ?? Number.NaN)
    const goesOn = Math.abs(step) <= 1 && (lastStep === undefined || step === lastStep)
    lastStep = Math.abs(step) <= 1 ? step : undefined
    if (!goesOn) count += 1
  }
  return count
}

function poolOf(password: string): number {
  const kinds: readonly (readonly [RegExp, number])[] = [
    [/[a-z]/, 26],
    [/[A-Z]/, 26],
    [/[0-9]/, 10],
    [/[^a-zA-Z0-9]/, 32],
  ]
  return kinds.reduce((sum, [kind, size]) => sum + (kind.test(password) ? size : 0), 0)
}
