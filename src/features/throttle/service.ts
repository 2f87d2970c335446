import type { Ports } from '../../kernel/ports.ts'
import type { Secrets } from '../../kernel/secrets.ts'
import { deriveKey, deriveKeys } from '../../kernel/secrets.ts'
import type { UnitOfWork } from '../../kernel/unit-of-work.ts'
import type { Attempts } from './attempts.ts'
import { createAttempts } from './attempts.ts'
import type { ThrottleKeys } from './keys.ts'
import { createThrottleKeys } from './keys.ts'
import type { AttemptStore } from './store.ts'
import type { TrustedDevices } from './trusted-devices.ts'
import { createTrustedDevices } from './trusted-devices.ts'

/** Limits guesses at passwords: attempts are counted, those of trusted devices separately. */
export interface Throttle extends Attempts {
  readonly keys: ThrottleKeys
  readonly devices: TrustedDevices
}

interface Needs {
  readonly ports: Pick<Ports, 'clock'>
  readonly work: Pick<UnitOfWork<{ readonly attempts: AttemptStore }>, 'stores'>
  readonly secretKeys: Secrets
}

export function createThrottle({ ports: { clock }, work: { stores }, secretKeys }: Needs): Throttle {
  return {
    ...createAttempts(stores),
    keys: createThrottleKeys(deriveKey(secretKeys[0], 'password attempts')),
    devices: createTrustedDevices({ keys: deriveKeys(secretKeys, 'trusted device'), clock }),
  }
}
