import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { readSteps } from '../../dev/walkthrough-steps.ts'
import { givenFolder } from '../support/process.ts'

/** The code blocks of docs/frontends.md, by the name that each has there. */
export const recipes: ReadonlyMap<string, string> = new Map(
  readSteps(readFileSync(new URL('../../docs/frontends.md', import.meta.url), 'utf8')).flatMap((step) =>
    step.kind === 'make' ? [[step.file, step.content] as const] : [],
  ),
)

/** A folder with the code of the page, beside the packages that it imports. */
export async function writeRecipes(): Promise<(name: string) => string> {
  const folder = await givenFolder()
  symlinkSync(fileURLToPath(new URL('node_modules', import.meta.url)), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  for (const [name, code] of recipes) writeFileSync(join(folder, name), code)
  return (name) => join(folder, name)
}

/** What one of them exports. */
export async function load<Exports>(path: string): Promise<Exports> {
  return (await import(pathToFileURL(path).href)) as Exports
}
