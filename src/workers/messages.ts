import type { CompleteConfig } from '../settings/config.ts'

/** What the primary process tells a worker. */
export type ToWorker =
  /** The settings are read once, by the primary: a worker that is replaced later has the same. */
  | { readonly type: 'begin'; readonly config: CompleteConfig; readonly worker: number; readonly workers: number }
  | { readonly type: 'database'; readonly url: string }
  | { readonly type: 'stop' }
  | { readonly type: 'read metrics'; readonly id: number }
  | { readonly type: 'counted'; readonly id: number; readonly totalHits: number; readonly resetAt: number }

/** What a worker tells the primary process. */
export type ToPrimary =
  /** It listens to the primary: what is told before is lost. */
  | { readonly type: 'listens' }
  | { readonly type: 'ready'; readonly port: number | string }
  /** `reason` is for the operator. */
  | { readonly type: 'failed'; readonly reason: string }
  | { readonly type: 'metrics'; readonly id: number; readonly metrics: readonly object[] }
  | {
      readonly type: 'count'
      readonly id: number
      readonly name: string
      readonly windowMs: number
      readonly key: string
    }
