/** The same instant on two clocks. */
export interface Instant {
  readonly monotonic: number
  readonly wall: number
}

export function now(): Instant {
  return { monotonic: performance.now(), wall: Date.now() }
}

/**
 * Milliseconds since the instant. The monotonic clock may stop while the machine sleeps, and the wall clock may be set back: the longer
 * time counts. Only differences are used, so it does not matter what the wall clock shows.
 */
export function since({ monotonic, wall }: Instant): number {
  return Math.max(performance.now() - monotonic, Date.now() - wall)
}

/** Calls back later, unless the returned function is called before. Keeps no Node process alive. */
export function later(ms: number, call: () => void): () => void {
  const timer: unknown = setTimeout(call, ms)
  ;(timer as { unref?: () => void }).unref?.()
  return () => clearTimeout(timer as number)
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => void later(ms, resolve))
}
