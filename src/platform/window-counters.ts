import type { SharedCounter } from '../kernel/ports.ts'

type Count = Awaited<ReturnType<SharedCounter['increment']>>

/** Counts in the memory of this process. A window begins with the first count of its key, and the counts are forgotten when it ends. */
export interface WindowCounters {
  increment(name: string, windowMs: number, key: string): Count
}

export function createWindowCounters(): WindowCounters {
  const windows = new Map<string, { hits: number; readonly endsAt: number }>()
  let sweptAt = Date.now()

  function sweep(now: number, windowMs: number): void {
    if (now - sweptAt < windowMs) return
    sweptAt = now
    for (const [id, { endsAt }] of windows) if (endsAt <= now) windows.delete(id)
  }

  return {
    increment(name, windowMs, key) {
      const now = Date.now()
      sweep(now, windowMs)
      const id = `${name} ${key}`
      const known = windows.get(id)
      const current = known && known.endsAt > now ? known : { hits: 0, endsAt: now + windowMs }
      current.hits += 1
      windows.set(id, current)
      return { totalHits: current.hits, resetTime: new Date(current.endsAt) }
    },
  }
}
