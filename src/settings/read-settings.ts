import type { Setting, SettingTree, SettingValues } from '../kernel/setting.ts'
import { fileNameOf } from '../kernel/setting.ts'
import type { GivenSettings, SettingName, SettingTrees } from './settings.ts'
import { allSettings, isSetting, settingGroups } from './settings.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** The text of a file. Throws Node's error when it cannot be read. */
export type ReadFile = (path: string) => string

/** The settings that were read from the environment. */
export interface SettingsRead {
  readonly environment: Environment
  readonly given: GivenSettings
  /** Neither it nor its file is set. A setting that cannot be read is not absent. */
  readonly isAbsent: (name: SettingName) => boolean
  /** The variable that gave the setting: its own name, or that of its file. */
  readonly sourceOf: (name: SettingName) => string
  readonly production: boolean
  /** The value of every setting, its default included. */
  readonly values: SettingValues<SettingTrees>
}

/** Reads each setting by itself. An empty one counts as absent. A mistake in one is added to the problems. */
export function readSettings(environment: Environment, readFile: ReadFile, problems: string[]): SettingsRead {
  const textOf = (name: string | undefined) => (name && environment[name]?.trim()) || undefined
  const given: Record<string, unknown> = {}
  const read = (setting: Setting) => {
    const fileName = fileNameOf(setting)
    const path = textOf(fileName)
    const text = textOf(setting.name)
    if (path !== undefined && text !== undefined) {
      throw new Refusal(`${fileName} must not be set together with ${setting.name}; remove one of them`)
    }
    if (text !== undefined) return parse(setting, text, setting.name)
    return path === undefined ? undefined : parse(setting, readSecret(path, `${fileName}`, readFile), `${fileName}`)
  }
  for (const setting of allSettings) {
    try {
      given[setting.name] = read(setting)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      problems.push(error.message)
    }
  }
  const production = given.NODE_ENV === 'production'
  const isAbsent = (setting: Setting) => textOf(setting.name) === undefined && textOf(fileNameOf(setting)) === undefined
  const sourceOf = ({ name, ...setting }: Setting) =>
    (textOf(name) === undefined && fileNameOf({ name, ...setting })) || name
  if (production) {
    for (const setting of allSettings) {
      if (isAbsent(setting) && setting.neededInProduction) {
        problems.push(`${setting.name} must be set in production: ${setting.meaning.replace(/\. .*/s, '')}`)
      }
      const { must, remedy, accepts } = setting.inProduction ?? {}
      if (given[setting.name] !== undefined && accepts && !accepts(given[setting.name], given)) {
        problems.push(`${sourceOf(setting)} ${must} in production${remedy === undefined ? '' : `; ${remedy}`}`)
      }
    }
  }
  const byName = new Map(allSettings.map((setting) => [setting.name, setting]))
  return {
    environment,
    given: given as GivenSettings,
    isAbsent: (name) => isAbsent(byName.get(name) as Setting),
    sourceOf: (name) => sourceOf(byName.get(name) as Setting),
    production,
    values: Object.fromEntries(
      Object.entries(settingGroups).map(([key, { settings }]) => [key, valuesOf(settings, given, production)]),
    ) as SettingValues<SettingTrees>,
  }
}

/** A setting that cannot be used, with its name and the remedy. */
class Refusal extends Error {}

function parse({ type }: Setting, text: string, source: string): unknown {
  const result = type.safeParse(text)
  if (result.success) return result.data
  throw new Refusal(`${source} ${result.error.issues[0]?.message}`)
}

function readSecret(path: string, fileName: string, readFile: ReadFile): string {
  let text: string
  try {
    text = readFile(path).trim()
  } catch (error) {
    // Not the message: it holds the path, which is the secret itself where an operator mistook the setting.
    const { code } = error as NodeJS.ErrnoException
    throw new Refusal(`${fileName} must name a file that this server can read; the system says ${code}`)
  }
  if (text === '') throw new Refusal(`${fileName} must name a file that is not empty`)
  return text
}

function valuesOf(tree: SettingTree, given: Readonly<Record<string, unknown>>, production: boolean): object {
  const read = (branch: Setting | SettingTree) =>
    isSetting(branch) ? (given[branch.name] ?? defaultOf(branch, production)) : valuesOf(branch, given, production)
  return Object.fromEntries(Object.entries(tree).map(([key, branch]) => [key, read(branch)]))
}

function defaultOf({ type, default: text }: Setting, production: boolean): unknown {
  if (text === undefined) return undefined
  return type.parse(typeof text === 'string' ? text : text[production ? 'production' : 'development'])
}
