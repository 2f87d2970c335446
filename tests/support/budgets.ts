import type { RateClass } from '../../src/http/contracts/endpoint.ts'
import { readConfig } from '../../src/settings/config.ts'

/** The requests per minute that the rate limit of this class allows one client by default. */
export function usualBudget(rateClass: RateClass): number {
  return readConfig({}).server.requestsPerMinute[rateClass]
}
