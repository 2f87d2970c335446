import { readConfig } from '../../src/config.ts'
import type { Budget } from '../../src/http/limits.ts'
import { budgets } from '../../src/http/limits.ts'

/** How many requests of one client a budget has room for in a minute, where the settings say nothing else. */
export function usualBudget(budget: Budget): number {
  return readConfig({}).server.requestsPerMinute[budgets[budget].class]
}
