import type { z } from 'zod'

/** Reads the text of a setting. Its description says what the text must be: in refusals and in the documentation. */
export type SettingType<Value> = z.ZodType<Value, string>

/** The text that counts when the setting is absent. */
type Default = string | { readonly development: string; readonly production: string }

interface Declaration<Value, Given extends Default | undefined> {
  readonly type: SettingType<Value>
  /** Its meaning as a noun phrase; further sentences may follow. */
  readonly meaning: string
  /** An empty text is read by the type too: it is the empty list. Without a default the value is undefined. */
  readonly default?: Given
  /** The value when it is absent, in words, where the default does not say it. */
  readonly absent?: string
  /** Secrets can be read from a file too. */
  readonly secret?: true
  /** Whether it can be read from a file although it is no secret. */
  readonly file?: true
  readonly neededInProduction?: true
  readonly inProduction?: ProductionRule<Value>
}

interface ProductionRule<Value> {
  /** Follows the name of the setting in the refusal, such as `must not be off`. */
  readonly must: string
  readonly remedy?: string
  /** `given` holds the values of all settings that were given, by name. */
  accepts(value: Value, given: Readonly<Record<string, unknown>>): boolean
}

/** One thing that an operator can set. Everything that is said about it and done with it follows from this declaration. */
export interface Setting<
  Name extends string = string,
  Value = unknown,
  Given extends Default | undefined = Default | undefined,
> extends Declaration<Value, Given> {
  readonly name: Name
}

export function setting<const Name extends string, Value, Given extends Default | undefined = undefined>(
  name: Name,
  declaration: Declaration<Value, Given>,
): Setting<Name, Value, Given> {
  return { name, ...declaration }
}

/** Settings by the name that they have in the configuration. They can be nested. */
export interface SettingTree {
  readonly [key: string]: Setting | SettingTree
}

/** Settings that are documented together. */
export interface SettingGroup<Tree extends SettingTree = SettingTree> {
  readonly heading: string
  readonly settings: Tree
}

export function settingGroup<Tree extends SettingTree>(heading: string, settings: Tree): SettingGroup<Tree> {
  return { heading, settings }
}

/** The values of such settings. */
export type SettingValues<Tree> = {
  readonly [Key in keyof Tree]: Tree[Key] extends Setting<string, infer Value, infer Given>
    ? Value | (Given extends Default ? never : undefined)
    : SettingValues<Tree[Key]>
}

/** The setting that names the file from which this one is read; undefined where there is none. */
export function fileNameOf({ name, secret, file }: Setting): string | undefined {
  return secret || file ? `${name}_FILE` : undefined
}
