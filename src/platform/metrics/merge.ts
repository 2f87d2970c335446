import type { MetricObjectWithValues, MetricValue } from 'prom-client'
import { AggregatorRegistry, Counter, Gauge, Registry } from 'prom-client'
import type { Exposition } from './metrics.ts'
import { addProcess } from './process.ts'

let own: Registry | undefined
const state = { workers: 0, replacements: 0 }

/** The metrics of all workers, told apart by the label `worker`, and those of the primary process. */
export async function mergeMetrics(ofWorkers: readonly (readonly object[])[], now: typeof state): Promise<Exposition> {
  Object.assign(state, now)
  own ??= createOwn()
  const all = [await own.getMetricsAsJSON(), ...ofWorkers] as MetricObjectWithValues<MetricValue<string>>[][]
  const merged = AggregatorRegistry.aggregate(all)
  return { contentType: merged.contentType, text: await merged.metrics() }
}

function createOwn(): Registry {
  const registry = new Registry()
  registry.setDefaultLabels({ worker: 'primary' })
  const registers = [registry]
  new Gauge({
    name: 'auth_workers',
    help: 'Workers that run (WEB_CONCURRENCY).',
    registers,
    collect() {
      this.set(state.workers)
    },
  })
  new Counter({
    name: 'auth_workers_replaced_total',
    help: 'Workers that died and were replaced.',
    registers,
    collect() {
      this.reset()
      this.inc(state.replacements)
    },
  })
  addProcess(registers)
  return registry
}
