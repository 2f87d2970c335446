import { isIP } from 'node:net'
import type { ContractName } from '../kernel/policy.ts'
import { contractNames } from '../kernel/policy.ts'
import { parseDuration } from '../kernel/time.ts'
import { isPhoneCountry } from '../platform/phone-numbers.ts'

/** Reads one setting's text. Throws a SettingRefusal whose message says what to write instead, never what was written. */
export type Parser<Value> = (text: string) => Value

export class SettingRefusal extends Error {}

export function refuse(remedy: string): never {
  throw new SettingRefusal(remedy)
}

export function integer(min: number, max: number): Parser<number> {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
    return value >= min && value <= max ? value : refuse(`must be a whole number from ${min} to ${max}`)
  }
}

export function oneOf<const Word extends string>(...words: Word[]): Parser<Word> {
  return (text) => words.find((word) => word === text.toLowerCase()) ?? refuse(`must be one of: ${words.join(', ')}`)
}

export function duration(minSeconds: number, maxSeconds: number, range: string): Parser<number> {
  return (text) => {
    const seconds = parseDuration(text)
    return seconds !== undefined && seconds >= minSeconds && seconds <= maxSeconds
      ? seconds
      : refuse(`must be a duration ${range}, such as 90s, 15m, 12h or 7d`)
  }
}

export function onOff(text: string): boolean {
  const word = text.toLowerCase()
  if (['on', 'true', 'yes', '1'].includes(word)) return true
  if (['off', 'false', 'no', '0'].includes(word)) return false
  return refuse('must be on or off')
}

export function list(text: string): string[] {
  return text.split(',').map((item) => item.trim())
}

/** An http(s) address without user, query or fragment; its trailing slash is dropped. */
export function baseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password || /[?#]/.test(text)) {
    return refuse('must be an http or https address without user, query or fragment, such as https://auth.example.com')
  }
  return url.href.replace(/\/+$/, '')
}

/** What a logout has browsers clear. Not "cookies": those would be of the whole registrable domain, other applications' too. */
export function siteData(text: string): string[] {
  const kinds = list(text)
  return kinds.every((kind) => kind === 'cache' || kind === 'storage')
    ? kinds
    : refuse('must be cache, storage or both, separated by commas; remove it to have nothing cleared')
}

export function longKeys(text: string): string[] {
  const keys = list(text)
  return keys.every((key) => Buffer.byteLength(key) >= 32)
    ? keys
    : refuse(
        'must be 32 bytes or more (several: separated by commas, each so long); make one with: openssl rand -base64 48',
      )
}

export function path(...placeholders: string[]): Parser<string> {
  return (text) => {
    const unknown = [...text.matchAll(/\{([^}]*)/g)].some(([, name]) => !placeholders.includes(name ?? ''))
    return text.startsWith('/') && !text.startsWith('//') && text.includes('{token}') && !unknown && !/\s/.test(text)
      ? text
      : refuse(
          `must be a path that begins with / and holds {token}; placeholders: ${placeholders.map((name) => `{${name}}`).join(', ')}`,
        )
  }
}

/** The name or address of a machine, without a scheme and a port. */
export function hostName(text: string): string {
  return isIP(text) !== 0 || /^[a-z\d]([\w.-]{0,251}[a-z\d])?\.?$/i.test(text)
    ? text
    : refuse('must be the name or address of a machine alone, such as mail.example.com')
}

/** Issuers or audiences of tokens (RFC 7519: what has a colon is an address). The length leaves a token room for two. */
export function tokenNames(text: string): [string, ...string[]] {
  const names = list(text)
  const isName = (name: string) => /^[\x21-\x7e]{1,255}$/.test(name) && (!name.includes(':') || URL.canParse(name))
  const [first, ...others] = names
  return first !== undefined && names.every(isName) && new Set(names).size === names.length
    ? [first, ...others]
    : refuse(
        'must be different names or addresses without spaces, separated by commas, such as https://auth.example.com',
      )
}

export function contracts(text: string): ContractName[] {
  return list(text).map(
    (item) =>
      contractNames.find((name) => name === item) ??
      refuse(`must be names separated by commas, of: ${contractNames.join(', ')}`),
  )
}

/** `rest-auth=2027-06-30,drf=2027-12-31`: the day, in UTC, from which a contract is gone. */
export function sunsets(text: string): Partial<Record<ContractName, Date>> {
  const days = list(text).map((item) => {
    const [name, day = '', ...rest] = item.split('=')
    const known = contractNames.find((contract) => contract === name)
    const date = new Date(`${day}T00:00:00Z`)
    const isDay = /^\d{4}-\d\d-\d\d$/.test(day) && !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day)
    if (!known || !isDay || rest.length > 0) {
      return refuse(`must be days such as drf=2027-06-30 separated by commas; contracts: ${contractNames.join(', ')}`)
    }
    return [known, date] as const
  })
  const sunsets = Object.fromEntries(days)
  return Object.keys(sunsets).length === days.length ? sunsets : refuse('must name each contract once')
}

export function phoneCountry(text: string) {
  const code = text.toUpperCase()
  return isPhoneCountry(code) ? code : refuse('must be the ISO 3166 code of a country, such as DE or GB')
}

export function text(value: string): string {
  return value
}
