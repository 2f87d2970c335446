import { isIP } from 'node:net'
import { z } from 'zod'
import type { SettingType } from './setting.ts'
import { parseDuration } from './time.ts'

/** A type of setting by its description, which continues "must be", and by what it reads; undefined is refused. */
export function settingType<Value>(description: string, read: (text: string) => Value | undefined): SettingType<Value> {
  return z
    .string()
    .transform((text, context): Value => {
      const value = read(text)
      if (value !== undefined) return value
      // Never the text: it may be a secret.
      context.addIssue(`must be ${description}`)
      return z.NEVER
    })
    .describe(description)
}

export const anyText: SettingType<string> = z.string()

export function integer(min: number, max: number): SettingType<number> {
  return settingType(`a whole number from ${min} to ${max}`, (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
    return value >= min && value <= max ? value : undefined
  })
}

/** In seconds. The limits are durations such as `1d`. */
export function duration(min: string, max: string): SettingType<number> {
  const [shortest, longest] = [min, max].map(parseDuration)
  return settingType(`a duration from ${min} to ${max}, such as 90s, 15m, 12h or 7d`, (text) => {
    const seconds = parseDuration(text)
    return seconds !== undefined && seconds >= (shortest ?? 0) && seconds <= (longest ?? 0) ? seconds : undefined
  })
}

export function oneOf<const Word extends string>(...words: Word[]): SettingType<Word> {
  return settingType(`one of: ${words.join(', ')}`, (text) => words.find((word) => word === text.toLowerCase()))
}

const switches = new Map([
  ...['on', 'true', 'yes', '1'].map((word) => [word, true] as const),
  ...['off', 'false', 'no', '0'].map((word) => [word, false] as const),
])

export const onOff: SettingType<boolean> = settingType('on or off', (text) => switches.get(text.toLowerCase()))

export function listOf(text: string): readonly string[] {
  return text === '' ? [] : text.split(',').map((item) => item.trim())
}

/** Items separated by commas, each of which passes the check. */
export function list(description: string, isItem: (item: string) => boolean): SettingType<readonly string[]> {
  return settingType(description, (text) => {
    const items = listOf(text)
    return items.every(isItem) ? items : undefined
  })
}

export const howToMakeAKey = 'make one with: openssl rand -base64 48'

export const keys: SettingType<readonly string[]> = list(
  `32 bytes or more (several: separated by commas, each so long); ${howToMakeAKey}`,
  (key) => Buffer.byteLength(key) >= 32,
)

/** Words in sample keys, without the characters between their letters. Random keys hold none of them. */
const sampleWords = [
  'changeme',
  'changethis',
  'donotuse',
  'example',
  'insecure',
  'password',
  'placeholder',
  'secret',
  'thisis',
]

/** The production rule of settings that hold keys. */
export const noSampleKeys = {
  must: 'must not be a sample',
  remedy: howToMakeAKey,
  accepts: (given: readonly string[]) =>
    given.every((key) => {
      const letters = key.toLowerCase().replace(/[^a-z]/g, '')
      return !sampleWords.some((word) => letters.includes(word))
    }),
}

export const hostName: SettingType<string> = settingType(
  'the name or address of a machine alone, such as mail.example.com',
  (text) => (isHostName(text) ? text : undefined),
)

/** Whether the text is the name or address of a machine, without a scheme and a port. */
export function isHostName(text: string): boolean {
  return isIP(text) !== 0 || /^[a-z\d]([\w.-]{0,251}[a-z\d])?\.?$/i.test(text)
}
