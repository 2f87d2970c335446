/** The measure and the limit of Django's UserAttributeSimilarityValidator, so that both refuse the same passwords. */
const similarEnough = 0.7

/** Whether the password is too similar to the text or to a word of it. The order of the letters does not count. */
export function isSimilar(password: string, text: string): boolean {
  const letters = lettersOf(password)
  return [...text.split(/[^\p{L}\p{N}_]+/u), text].some((part) => likeness(letters, lettersOf(part)) >= similarEnough)
}

function lettersOf(text: string): string[] {
  return [...text.normalize('NFC').toLowerCase()]
}

/** How many of all letters the two share, from 0 to 1: what Python calls SequenceMatcher.quick_ratio(). */
function likeness(one: readonly string[], other: readonly string[]): number {
  const left = new Map<string, number>()
  for (const letter of other) left.set(letter, (left.get(letter) ?? 0) + 1)
  const shared = one.filter((letter) => {
    const count = left.get(letter) ?? 0
    left.set(letter, count - 1)
    return count > 0
  })
  return (2 * shared.length) / (one.length + other.length)
}
