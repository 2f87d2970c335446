import { run } from 'jest'

// Jest runs the files whose path holds the words. Folders are named in the singular: `npm test -- sessions` means tests/features/session too.
const words = process.argv.slice(2)
await run(words.map((word) => (/^[a-z-]+s$/.test(word) && !word.startsWith('-') ? `${word}?` : word)))
