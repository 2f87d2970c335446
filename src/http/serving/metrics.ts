import type { Router } from 'express'
import type { Contract } from '../contracts/contract.ts'
import { createReadOnlyRouter } from './read-only.ts'

/** One request, once its answer is out. Contract and endpoint are what a table declares, or absent; no status: nobody was answered. */
interface Counted {
  readonly contract: string | undefined
  readonly endpoint: string | undefined
  readonly status: number | undefined
}

/** How often each endpoint of each contract was asked since the start. */
export interface RequestCounter {
  readonly count: (request: Counted) => void
  /** The counters in the text format of Prometheus. */
  readonly text: () => string
}

const name = 'auth_requests_total'
const heading = `# HELP ${name} Requests since the start, by contract, endpoint and class of status.\n# TYPE ${name} counter\n`

/** There from the start: what is never asked says 0 instead of nothing, and the first request is an increase. */
const expectedStatuses = [200, 400, 500]

export function createRequestCounter<Needs>(
  contracts: readonly Pick<Contract<Needs>, 'name' | 'rows'>[],
): RequestCounter {
  const counts = new Map<string, number>()
  for (const { name: contract, rows } of contracts) {
    for (const { endpoint } of rows) {
      for (const status of expectedStatuses) counts.set(labels(contract, endpoint.name, status), 0)
    }
  }
  return {
    count({ contract, endpoint, status }) {
      // What no table declares is not counted: anonymousClients must not be able to make counters.
      if (contract === undefined || endpoint === undefined) return
      const series = labels(contract, endpoint, status)
      counts.set(series, (counts.get(series) ?? 0) + 1)
    },
    text: () => heading + [...counts].map(([series, count]) => `${name}{${series}} ${count}\n`).join(''),
  }
}

function labels(contract: string, endpoint: string, status: number | undefined): string {
  const statusClass = status === undefined ? 'none' : `${Math.floor(status / 100)}xx`
  return `contract="${contract}",endpoint="${endpoint}",status="${statusClass}"`
}

/** `/metrics`, for whoever watches the server. */
export function createMetricsRouter({ text }: RequestCounter): Router {
  return createReadOnlyRouter({
    '/metrics': (_request, response) => {
      response.set('Content-Type', 'text/plain; version=0.0.4; charset=utf-8').send(text())
    },
  })
}
