import type { Contract } from '../contracts/contract.ts'

const formTypes = ['application/x-www-form-urlencoded', 'multipart/form-data']

/** The media types that a contract reads. */
export function bodyTypesOf({ takesForms }: Pick<Contract<never>, 'takesForms'>): string[] {
  return ['application/json', ...(takesForms ? formTypes : [])]
}

export function describeBodies({ takesForms }: Pick<Contract<never>, 'takesForms'>): string {
  return takesForms
    ? 'Bodies are JSON or forms. Forms hold fields and no files; they are refused where the refresh token travels in a cookie, and from pages of origins that are not listed.'
    : 'Bodies are JSON.'
}
