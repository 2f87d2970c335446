import type { Budget } from '../../src/http/serving/rate-limits.ts'
import { budgets } from '../../src/http/serving/rate-limits.ts'
import { readConfig } from '../../src/settings/config.ts'

/** How many requests of one client a budget has room for in a minute, where the settings say nothing else. */
export function usualBudget(budget: Budget): number {
  return readConfig({}).server.requestsPerMinute[budgets[budget].class]
}
