import type { Caller } from '../../kernel/caller.ts'
import { AuthError } from '../../kernel/errors.ts'
import type { UnitOfWork } from '../../kernel/unit-of-work.ts'
import type { IssuedMailToken } from '../mail/index.ts'
import type { AttemptStore, DeviceGrant, Throttle } from '../throttle/index.ts'
import { passwordErrors } from './errors.ts'
import type { StoredPassword } from './statements/find-password.ts'
import type { PasswordStore } from './store.ts'
import type { PasswordVerification } from './verification.ts'

interface Needs {
  readonly work: UnitOfWork<{
    readonly passwords: PasswordStore
    readonly attempts: AttemptStore
  }>
  readonly verification: PasswordVerification
  readonly throttle: Throttle
}

/** Recognizes a reset that is tried again as its answer was lost: the token is spent, and the password is the user's by now. */
export function createRepeatedReset({ work: { stores, transaction }, verification, throttle }: Needs) {
  async function findPassword({ targetId, email }: IssuedMailToken): Promise<StoredPassword | undefined> {
    const stored = await stores.passwords.find(Number(targetId))
    return stored && !stored.user.disabledAt && stored.user.email === email ? stored : undefined
  }

  return async (spent: IssuedMailToken, password: string, caller: Caller): Promise<DeviceGrant | undefined> => {
    const stored = await findPassword(spent)
    if (!stored) return undefined
    const { user, version, hash: passwordHash } = stored
    // Counted like guesses at a login, but for themselves: a used link must not lock its user out.
    const claim = { name: `reset ${user.id}`, password, pending: [{ passwordHash }], most: 1 }
    const isSame = await verification.verifyOneOfPending(claim, caller, (_one, throttleKey) =>
      transaction(async ({ passwords, attempts }) => {
        if (!(await passwords.confirm({ user, version }))) throw new AuthError(passwordErrors.reset_token_invalid)
        await attempts.clearFailures([throttleKey])
      }),
    )
    return isSame ? throttle.devices.issue(user.id, version) : undefined
  }
}
