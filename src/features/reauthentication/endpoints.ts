import { z } from 'zod'
import { endpoint } from '../../http/contracts/endpoint.ts'
import { Detail } from '../../kernel/schemas.ts'
import { PasswordText } from '../password/index.ts'
import { sessionTopic } from '../session/index.ts'
import { reauthenticationErrors } from './errors.ts'
import { reauthenticateStep } from './gate.ts'
import type { ReauthenticationService } from './service.ts'

interface Needs {
  readonly reauthentication: ReauthenticationService
}

export const reauthenticate = endpoint({
  name: 'reauthenticate',
  topic: sessionTopic,
  description:
    'Takes the step reauthenticate: notes in the session that its user has shown the password again, which counts like a login for as long as step_required says in max_age, over refreshes too. The tokens stay the same. Wrong passwords count like wrong passwords at the login.',
  route: 'POST /reauthenticate',
  summary: 'Show the password again, for endpoints that answer step_required',
  access: 'bearer',
  takesStep: reauthenticateStep,
  limit: 'costly',
  input: z.strictObject({ password: PasswordText }),
  status: 200,
  output: Detail.extend({ authenticated_at: z.iso.datetime() }),
  errors: [reauthenticationErrors.password_wrong],
  handle: async ({ reauthentication }: Needs, { password }, caller) => {
    const authenticatedAt = await reauthentication.reauthenticate(password, caller)
    return { detail: 'You have authenticated again', authenticated_at: authenticatedAt.toISOString() }
  },
})
