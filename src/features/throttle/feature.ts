import type { AttemptStore } from './store.ts'

export const throttle = {
  name: 'throttle',
  cleanUpJobs: {
    password_attempts: ({ attempts }: { attempts: AttemptStore }) => attempts.deleteExpired(),
  },
}
