import type { Environment } from './settings.ts'
import { settings } from './settings.ts'

/** The text of a file. Throws Node's error when it cannot be read. */
export type ReadFile = (path: string) => string

const suffix = '_FILE'

/** The setting that names the file of this one, as Docker and Kubernetes bring secrets; undefined where there is none. */
export function fileSettingOf(name: string): string | undefined {
  return `${name}${suffix}` in settings ? `${name}${suffix}` : undefined
}

/** The environment, with the contents of the files that it names. What is wrong with them is added to the problems. */
export function readSecretFiles(environment: Environment, readFile: ReadFile, problems: string[]): Environment {
  const contents: Record<string, string> = {}
  for (const fileSetting of Object.keys(settings).filter((name) => name.endsWith(suffix))) {
    const path = environment[fileSetting]?.trim()
    if (!path) continue
    const name = fileSetting.slice(0, -suffix.length)
    if (environment[name]?.trim()) {
      problems.push(`${fileSetting} must not be set together with ${name}; remove one of them`)
      continue
    }
    try {
      const text = readFile(path).trim()
      if (text === '') problems.push(`${fileSetting} must name a file that is not empty`)
      contents[name] = text
    } catch (error) {
      // Not the message: it holds the path, which is the secret itself where somebody mistook the setting.
      const { code } = error as NodeJS.ErrnoException
      problems.push(`${fileSetting} must name a file that this server can read; the system says ${code}`)
    }
  }
  return { ...environment, ...contents }
}
