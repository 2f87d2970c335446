import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import type { Registry } from 'prom-client'
import { Counter, Gauge } from 'prom-client'

/** A timer of this period is what the measuring of the event loop costs. */
const resolutionMs = 20

/** The library's default metrics, without those that measure all the time but for the delay of the event loop. */
export function addProcess(registers: Registry[]): void {
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
  addEventLoop(registers)
}

function addEventLoop(registers: Registry[]): void {
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
  const lag = monitorEventLoopDelay({ resolution: resolutionMs })
  lag.enable()
  // The histogram holds the whole time between two turns of the timer.
  const seconds = (nanoseconds: number) => Math.max(0, nanoseconds / 1e9 - resolutionMs / 1000)
  const add = (name: string, help: string, read: () => number) =>
    new Gauge({
      name: `nodejs_eventloop_lag_${name}_seconds`,
      help: `Delay of the event loop since the last scrape: ${help}.`,
      registers,
      collect() {
        // Before the first turn of the timer the histogram holds nothing.
        this.set(lag.count === 0 ? 0 : seconds(read()))
      },
    })
  add('p99', 'the 99th percentile', () => lag.percentile(99))
  new Gauge({
    name: 'nodejs_eventloop_lag_max_seconds',
    help: 'Delay of the event loop since the last scrape: the longest.',
    registers,
    collect() {
      this.set(lag.count === 0 ? 0 : seconds(lag.max))
      // Read last of the two.
      lag.reset()
    },
  })
}
