import type { Caller } from '../../kernel/caller.ts'
import type { Session, User } from '../../kernel/db.ts'
import type { ErrorDefinition, Step } from '../../kernel/errors.ts'
import { AuthError, stepErrors } from '../../kernel/errors.ts'
import { sessionErrors } from './errors.ts'

/**
 * The use of a session that is about to happen. `sensitive`: an endpoint is about to work that demands a recent authentication. Logging out
 * asks no gate but those of `sensitive`.
 */
type Occasion = 'open' | 'use' | 'renew' | 'introspect' | 'sensitive'

interface GateQuestion {
  readonly occasion: Occasion
  readonly user: User
  /** Absent before it opens. */
  readonly session?: Session
  /** From where, and by the policy of which contract. */
  readonly caller: Caller
  /** The steps that the request has taken, or takes: `password` where it has shown one. */
  readonly passed: readonly string[]
  /** How many seconds ago the user may have authenticated at most; for `sensitive` alone. */
  readonly maxAge?: number
}

/** Nothing, if the request may go on; why it may not; or what the user has to do first. */
type GateAnswer = undefined | { readonly refusal: ErrorDefinition } | { readonly step: Step }

/**
 * Stands between a user and a session. A session that a gate stops stays, and works again once no gate stops it. A refusal has to be
 * one of `gateErrors`; a step needs no new error.
 */
export interface Gate<Context> {
  readonly occasions: readonly Occasion[]
  readonly answer: (question: GateQuestion, context: Context) => GateAnswer | Promise<GateAnswer>
}

/** All gates, asked in turn. */
export interface Gates {
  /** Throws the answer of the first gate that stops the request. */
  pass(question: GateQuestion): Promise<void>
  /** Whether no gate stops the request. */
  letPass(question: GateQuestion): Promise<boolean>
}

export function createGates<Context>(gates: readonly Gate<Context>[], context: Context): Gates {
  async function stop(question: GateQuestion): Promise<AuthError | undefined> {
    for (const { occasions, answer } of gates) {
      if (!occasions.includes(question.occasion)) continue
      const given = await answer(question, context)
      if (given === undefined) continue
      return 'step' in given
        ? new AuthError(stepErrors.step_required, { step: given.step })
        : new AuthError(given.refusal)
    }
    return undefined
  }

  return {
    async pass(question) {
      const error = await stop(question)
      if (error) throw error
    },
    letPass: async (question) => (await stop(question)) === undefined,
  }
}

/** Where verification is required, a user gets in only with a verified address. */
export const verifiedEmailGate: Gate<unknown> = {
  occasions: ['open', 'use', 'renew', 'introspect'],
  answer: ({ user, caller }) =>
    caller.policy.verificationRequired && !user.emailVerifiedAt
      ? { refusal: sessionErrors.email_not_verified }
      : undefined,
}
