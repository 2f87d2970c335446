import type { CleanUpRun } from '../../kernel/clean-up.ts'
import type { AttemptStore } from './store.ts'

export const throttle = {
  name: 'throttle',
  cleanUpJobs: {
    password_attempts: ({ attempts }: { attempts: AttemptStore }, run: CleanUpRun) => attempts.deleteExpired(run),
  },
}
