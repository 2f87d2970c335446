import type { AuthError } from '../kernel/errors.ts'
import { StartError } from '../kernel/errors.ts'

/** A refusal in words for an operator. */
export function sentenceOf(error: AuthError | StartError): string {
  if (error instanceof StartError) return error.message
  const issues = error.details.issues?.map(({ path, detail }) => `${path.join('.')}: ${detail}`) ?? []
  return issues.length > 0 ? `Refused: ${issues.join('; ')}` : error.message
}
