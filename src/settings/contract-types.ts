import type { ContractName } from '../kernel/policy.ts'
import { contractNames } from '../kernel/policy.ts'
import { listOf, settingType } from '../kernel/setting-types.ts'
import { isPhoneCountry } from '../platform/phone-numbers.ts'

const allNames = contractNames.join(', ')

export const contracts = settingType(`names separated by commas, of: ${allNames}`, (text) => {
  const names = listOf(text).map(contractOf)
  return names.includes(undefined) ? undefined : (names as readonly ContractName[])
})

function contractOf(text: string | undefined): ContractName | undefined {
  return contractNames.find((name) => name === text)
}

/** `rest-auth=2027-06-30,drf=2027-12-31`: the day, in UTC, from which a contract is gone. */
export const sunsets = settingType(
  `days such as drf=2027-06-30, one for each contract, separated by commas; contracts: ${allNames}`,
  (text): Readonly<Partial<Record<ContractName, Date>>> | undefined => {
    const days = listOf(text).map((item) => {
      const [name, day = '', ...rest] = item.split('=')
      const [contract, date] = [contractOf(name), dayOf(day)]
      return contract && date && rest.length === 0 ? ([contract, date] as const) : undefined
    })
    const sunsets = Object.fromEntries(days.filter((day) => day !== undefined))
    return Object.keys(sunsets).length === days.length ? sunsets : undefined
  },
)

function dayOf(text: string): Date | undefined {
  const date = new Date(`${text}T00:00:00Z`)
  const isDay = /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text)
  return isDay ? date : undefined
}

/** Issuers or audiences of tokens (RFC 7519: one with a colon is an address). The length leaves a token room for two. */
export const tokenNames = settingType(
  'different names or addresses without spaces, separated by commas, such as https://auth.example.com',
  (text): readonly [string, ...string[]] | undefined => {
    const names = listOf(text)
    const isName = (name: string) => /^[\x21-\x7e]{1,255}$/.test(name) && (!name.includes(':') || URL.canParse(name))
    const [first, ...others] = names
    const areFit = names.every(isName) && new Set(names).size === names.length
    return first !== undefined && areFit ? [first, ...others] : undefined
  },
)

export const phoneCountry = settingType('the ISO 3166 code of a country, such as DE or GB', (text) => {
  const code = text.toUpperCase()
  return isPhoneCountry(code) ? code : undefined
})
