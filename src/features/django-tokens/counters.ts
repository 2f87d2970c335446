export const djangoTokenCounter = {
  name: 'auth_django_tokens_total',
  help: 'Tokens of Django that clients sent, by outcome. `unknown` counts all that is no token of ours and none of Django either.',
  label: 'outcome',
  values: ['swapped', 'used_again', 'read', 'unknown', 'unknown_user', 'expired', 'ended', 'blacklisted'],
} as const

export type DjangoTokenOutcome = (typeof djangoTokenCounter.values)[number]
