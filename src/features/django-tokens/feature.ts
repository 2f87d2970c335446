import type { CleanUpRun } from '../../kernel/clean-up.ts'
import { djangoTokenCounter } from './counters.ts'
import { djangoTokenEvents } from './events.ts'
import type { DjangoTokenStore } from './store.ts'

export const djangoTokens = {
  name: 'django-tokens',
  events: djangoTokenEvents,
  counters: [djangoTokenCounter],
  cleanUpJobs: {
    django_tokens: (stores: { djangoTokens: DjangoTokenStore }, run: CleanUpRun) =>
      stores.djangoTokens.deleteExpired(run),
  },
}
