import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { CounterDefinition, InstantDefinition, Meter } from '../../kernel/meter.ts'
import type { HashQueue } from '../../kernel/ports.ts'
import { addProcess } from './process.ts'
import type { Watched } from './watched.ts'
import { addWatched } from './watched.ts'

/** One request, once its answer is out. Contract and endpoint are absent where no contract declares the path; the status is, where the client left before the answer. */
interface AnsweredRequest {
  readonly contract: string | undefined
  readonly endpoint: string | undefined
  readonly status: number | undefined
  /** Of the error that was answered. */
  readonly code: string | undefined
  readonly seconds: number
}

/** The text of `/metrics` and its content type. */
export interface Exposition {
  readonly contentType: string
  readonly text: string
}

/** The counts of this process since its start. */
export interface Metrics {
  readonly meter: Meter
  readonly countRequest: (request: AnsweredRequest) => void
  readonly hashWaited: (seconds: number) => void
  /** Reports also what these say when they are asked. */
  readonly watch: (watched: Watched) => void
  readonly read: () => Promise<Exposition>
  /** The same as data, for the process that reports on several. */
  readonly readAsJson: () => Promise<object[]>
}

/** There from the start: an endpoint that was never asked says 0 instead of nothing, and its first request is an increase. */
const expectedStatuses = [200, 400, 500]

const labelNames = ['contract', 'endpoint', 'status'] as const

/** From what a read takes to what a client waits for. */
const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

interface Measured {
  /** Every endpoint of every contract that is served. */
  readonly endpoints: readonly { readonly contract: string; readonly endpoint: string }[]
  readonly counters: readonly CounterDefinition[]
  readonly instants: readonly InstantDefinition[]
  readonly hashQueue: () => HashQueue
  /** The number of this worker, where there are several. */
  readonly worker: number | undefined
}

/** Loaded by the composition root if METRICS_PORT is set, as the library takes time and memory. */
export function createMetrics({ endpoints, counters, instants, hashQueue, worker }: Measured): Metrics {
  const registry = new Registry()
  if (worker !== undefined) registry.setDefaultLabels({ worker: String(worker) })
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
  const refusals = new Counter({
    name: 'auth_refusals_total',
    help: 'Requests that were answered with an error, by endpoint and code of the error.',
    labelNames: ['endpoint', 'code'] as const,
    registers,
  })
  const hashWaits = new Histogram({
    name: 'auth_hash_wait_seconds',
    help: 'Time that a password waited until it was hashed.',
    buckets,
    registers,
  })
  for (const labels of endpoints) {
    for (const status of expectedStatuses) requests.inc({ ...labels, status: statusClass(status) }, 0)
  }
  const byName = new Map(
    counters.map(({ name, help, label, values }) => {
      const counter = new Counter({ name, help, labelNames: [label], registers })
      for (const value of values) counter.inc({ [label]: value }, 0)
      return [name, counter]
    }),
  )
  const marks = new Map(
    instants.map(({ name, help, label }) => [name, new Gauge({ name, help, labelNames: [label], registers })]),
  )
  addHashQueue(registers, hashQueue)
  addProcess(registers)
  return {
    meter: {
      count: ({ name, label }, value, by = 1) => byName.get(name)?.inc({ [label]: value }, by),
      mark: ({ name, label }, value) => marks.get(name)?.set({ [label]: value }, Math.round(Date.now() / 1000)),
    },
    countRequest({ contract, endpoint, status, code, seconds }) {
      // Only declared endpoints are counted: clients must not be able to create series.
      if (contract === undefined || endpoint === undefined) return
      const labels = { contract, endpoint, status: statusClass(status) }
      requests.inc(labels)
      durations.observe(labels, seconds)
      if (code !== undefined) refusals.inc({ endpoint, code })
    },
    hashWaited: (seconds) => hashWaits.observe(seconds),
    watch: (watched) => addWatched(registers, watched),
    read: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
    readAsJson: () => registry.getMetricsAsJSON(),
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
