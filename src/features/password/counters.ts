import type { User } from '../../kernel/db.ts'

export const attemptCounter = {
  name: 'auth_password_attempts_total',
  help: 'Attempts to prove a password, by outcome. The answer tells the first from the others, and those not from each other.',
  label: 'outcome',
  values: ['right', 'wrong', 'unknown_user', 'disabled_user', 'throttled'],
} as const

export function outcomeOf(
  state: 'succeeded' | 'failed' | 'refused',
  user: User | undefined,
): (typeof attemptCounter.values)[number] {
  if (state === 'succeeded') return 'right'
  if (state === 'refused') return 'throttled'
  if (!user) return 'unknown_user'
  return user.disabledAt ? 'disabled_user' : 'wrong'
}
