import type { RateClass } from '../../src/http/contracts/endpoint.ts'
import { readConfig } from '../../src/settings/config.ts'

/** The number of requests that one client may send in a minute to the endpoints of a bucket of this class, where the settings say nothing else. */
export function usualBudget(rateClass: RateClass): number {
  return readConfig({}).server.requestsPerMinute[rateClass]
}
