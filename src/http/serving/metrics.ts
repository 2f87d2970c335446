import { performance } from 'node:perf_hooks'
import type { Router } from 'express'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { HashQueue } from '../../kernel/ports.ts'
import type { Contract } from '../contracts/contract.ts'
import { createReadOnlyRouter } from './read-only.ts'

/** One request, once its answer is out. Contract and endpoint are absent where no contract declares the path; the status is, where the client left before the answer. */
interface AnsweredRequest {
  readonly contract: string | undefined
  readonly endpoint: string | undefined
  readonly status: number | undefined
  readonly seconds: number
}

/** The counts of this instance since its start. */
export interface Metrics {
  readonly count: (request: AnsweredRequest) => void
  /** `/metrics`: all series in the text format of Prometheus. */
  readonly router: Router
}

/** There from the start: an endpoint that was never asked says 0 instead of nothing, and its first request is an increase. */
const expectedStatuses = [200, 400, 500]

const labelNames = ['contract', 'endpoint', 'status'] as const

/** From what a read takes to what a client waits for. */
const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

interface Measured<Needs> {
  readonly contracts: readonly Pick<Contract<Needs>, 'name' | 'rows'>[]
  readonly hashQueue: () => HashQueue
}

/** Loaded by the composition root if METRICS is on, as the library takes time and memory. */
export function createMetrics<Needs>({ contracts, hashQueue }: Measured<Needs>): Metrics {
  const registry = new Registry()
  const registers = [registry]
  const requests = new Counter({
    name: 'auth_requests_total',
    help: 'Requests since the start, by contract, endpoint and class of status.',
    labelNames,
    registers,
  })
  const durations = new Histogram({
    name: 'auth_request_duration_seconds',
    help: 'Time from the arrival of a request to the end of its answer, by contract, endpoint and class of status.',
    labelNames,
    buckets,
    registers,
  })
  for (const { name: contract, rows } of contracts) {
    for (const { endpoint } of rows) {
      for (const status of expectedStatuses) {
        requests.inc({ contract, endpoint: endpoint.name, status: statusClass(status) }, 0)
      }
    }
  }
  addHashQueue(registers, hashQueue)
  addProcess(registers)
  return {
    count({ contract, endpoint, status, seconds }) {
      // Only declared endpoints are counted: clients must not be able to create series.
      if (contract === undefined || endpoint === undefined) return
      const labels = { contract, endpoint, status: statusClass(status) }
      requests.inc(labels)
      durations.observe(labels, seconds)
    },
    router: createReadOnlyRouter({
      '/metrics': async (_request, response) => {
        response.set('Content-Type', registry.contentType).send(await registry.metrics())
      },
    }),
  }
}

function statusClass(status: number | undefined): string {
  return status === undefined ? 'none' : `${Math.floor(status / 100)}xx`
}

function addHashQueue(registers: Registry[], read: () => HashQueue): void {
  const add = (name: keyof HashQueue, help: string) =>
    new Gauge({
      name: `auth_hash_queue_${name}`,
      help,
      registers,
      collect() {
        this.set(read()[name])
      },
    })
  add('waiting', 'Passwords that wait to be hashed.')
  add('running', 'Passwords that are hashed now.')
  add('limit', 'Passwords that can wait to be hashed (HASH_QUEUE); further requests are answered 503.')
}

/** The library's default metrics, without those that measure all the time. */
function addProcess(registers: Registry[]): void {
  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'CPU time of this process.',
    registers,
    collect() {
      const { user, system } = process.cpuUsage()
      this.reset()
      this.inc((user + system) / 1e6)
    },
  })
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Memory of this process.',
    registers,
    collect() {
      this.set(process.memoryUsage.rss())
    },
  })
  new Gauge({
    name: 'process_start_time_seconds',
    help: 'Instant of the start, in seconds since 1970.',
    registers,
  }).set(Math.round(performance.timeOrigin / 1000))
  let before = performance.eventLoopUtilization()
  new Gauge({
    name: 'nodejs_eventloop_utilization',
    help: 'Share of the time since the last scrape in which the event loop was busy: at 1, requests wait for each other.',
    registers,
    collect() {
      const now = performance.eventLoopUtilization()
      this.set(performance.eventLoopUtilization(now, before).utilization)
      before = now
    },
  })
}
