import { z } from 'zod'
import { Detail, text } from '../../kernel/schemas.ts'
import { PasswordText } from '../password/index.ts'
import { TokenPair } from '../session/index.ts'
import type { DeviceGrant } from '../throttle/index.ts'
import { DeviceToken, RememberDevice } from '../throttle/index.ts'
import { EmailAddress, PersonalFields, Username, UserReply } from '../user/index.ts'

export const Credentials = z.strictObject({
  /** A username or an e-mail address. */
  username: text({ min: 1, max: 254 }),
  password: PasswordText,
  ...RememberDevice,
})

export const NewAccount = z.strictObject({
  username: Username,
  email: EmailAddress,
  password: PasswordText,
  ...PersonalFields,
})

/** An account that is logged in at once. */
export const NewAccountLoggedIn = NewAccount.extend(RememberDevice)

export const LoggedIn = TokenPair.extend({ user: UserReply, ...DeviceToken })
export type LoggedIn = TokenPair & z.infer<typeof LoggedIn> & DeviceGrant

/** The message of every registration where verification is required. */
export const VerificationPending = Detail.extend({ email: z.string(), verification_required: z.literal(true) })
