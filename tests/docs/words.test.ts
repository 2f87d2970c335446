import { readdir, readFile } from 'node:fs/promises'

/** Words of a private vocabulary, and the word of the field (see docs/glossary.md). */
const replacements: readonly (readonly [forbidden: RegExp, word: string])[] = [
  [/known.?devices?/i, 'trusted device'],
  [/allowances?/i, 'mail rate limits'],
  [/somebody|anybody|everybody/i, 'a user, a client'],
  [/\bwhoever\b/i, 'a client, an attacker, an operator'],
  // The system account of that name is allowed: where it is quoted, listed or the user of a namespace.
  [/(?<!['"`^]|called |or )\bnobody\b(?![:'-])/i, 'no user, no client'],
  [/\bstrangers?\b/i, 'anonymous client'],
  [/(^|[.!?:/*>|"'`] ?|# )Who(se|m)? [a-z]/, 'a sentence with a subject'],
  [/dialect/i, 'error format'],
  [/circumstances/i, 'details'],
  [/\bdecoy/i, 'dummyHash'],
  [/\bvault/i, 'cipher'],
  [/\bsealed/i, 'encrypted'],
  [/\bfarewell|\bdisarm|\btidy\b|\bchores?\b/i, 'a plain verb'],
  [/\bassembly\b/i, 'composition root'],
  [/\bdoors?\b/i, 'client, index.ts'],
  [/(?<!audit[ -]|^)\btrail\b/i, 'audit trail'],
  [/dead[- ]?(links?|tokens?)|dead[- ]locks?/i, 'invalid, expired'],
  [/\bTerms\b/, 'contract policy'],
  [/\b(liveness|isOurs|evenly|reword|patience|impatience)\b/i, 'see the glossary'],
  [/how manieth/i, 'number of failures'],
  [/\bdeeds?\b/i, 'operation, request'],
  [/\bof chance\b|\bsacrificed\b/i, 'random; ended in favour of another'],
]

/** This file names the words. */
const excepted = 'tests/docs/words.test.ts'

const folders = [
  'src',
  'client/src',
  'client/tests',
  'examples/spa/src',
  'tests',
  'bench',
  'dev',
  'docs',
  'prisma/schema',
  '.ci',
]
const files = [
  'README.md',
  'client/README.md',
  'examples/spa/README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'CHANGELOG.md',
  '.env.example',
  '.dependency-cruiser.cjs',
]

async function listFiles(): Promise<string[]> {
  const inFolders = folders.map(async (folder) => {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true })
    return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => `${parentPath}/${name}`)
  })
  const all = [...files, ...(await Promise.all(inFolders)).flat()]
  return all.filter((path) => !/^src\/generated\/|\/node_modules\//.test(path) && path !== excepted)
}

it('uses the words of the field', async () => {
  const findings: string[] = []
  for (const path of await listFiles()) {
    for (const [index, line] of (await readFile(path, 'utf8')).split('\n').entries()) {
      for (const [forbidden, word] of replacements) {
        if (forbidden.test(line)) findings.push(`${path}:${index + 1}: ${forbidden.exec(line)?.[0]}, say: ${word}`)
      }
    }
  }
  expect(findings).toEqual([])
})
