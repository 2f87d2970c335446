import { z } from 'zod'
import { endpoint } from '../../http/contracts/endpoint.ts'
import { Detail } from '../../kernel/schemas.ts'
import { userIdIn } from '../../kernel/uid.ts'
import { MailToken } from '../mail/index.ts'
import { refreshCookie, sessionErrors, TokenPair } from '../session/index.ts'
import { DeviceToken, deviceCookie, RememberDevice, shareDevice } from '../throttle/index.ts'
import { EmailAddress } from '../user/index.ts'
import { passwordErrors } from './errors.ts'
import { PasswordText } from './schemas.ts'
import type { PasswordService } from './service.ts'

interface Needs {
  readonly passwords: PasswordService
}

const topic = { name: 'Passwords', description: 'Changing a password, and resetting one by mail.' }

export const forgotPassword = endpoint({
  name: 'forgotPassword',
  topic,
  description:
    'Mails a link that sets a new password, if an account that is not disabled has this address. The answer is the same for every address. One mail a minute and five an hour go to an address; a newer link replaces the older.',
  route: 'POST /forgot_password',
  summary: 'Mail a link to reset the password',
  access: 'public',
  limit: 'costly',
  input: z.strictObject({ email: EmailAddress }),
  status: 200,
  output: Detail,
  errors: [],
  handle: async ({ passwords }: Needs, { email }, caller) => {
    await passwords.forgot(email, caller)
    return { detail: 'If an account has this address, a mail with a reset link is on its way' }
  },
})

export const resetPassword = endpoint({
  name: 'resetPassword',
  topic,
  description:
    'Sets the new password and ends all sessions of the user. The address counts as verified from then on, as the token came by mail, and throttling by wrong passwords ends. The user is mailed. No session is opened. Sent again with the same password, the token gets the same answer for as long as it lives, and nothing changes.',
  route: 'POST /reset_password',
  summary: 'Set a new password with a mailed token; all sessions of the user end',
  access: 'public',
  limit: { class: 'costly', bucket: 'resetPassword' },
  input: z.strictObject({ token: MailToken, new_password: PasswordText, ...RememberDevice }),
  status: 200,
  output: Detail.extend(DeviceToken),
  errors: [passwordErrors.reset_token_invalid],
  handle: async ({ passwords }: Needs, input, caller) => {
    const { token, new_password: newPassword } = input
    const grant = await passwords.reset({ token, newPassword }, caller)
    return { ...shareDevice(grant, input), detail: 'The new password is set: log in with it' }
  },
  cookies: { device: (result) => deviceCookie(result) },
})

const Uid = z
  .string()
  .regex(/^[\w-]+$/, { error: 'must be the one of the link' })
  // Any other text is no user's, and is refused like the uid of another user.
  .transform((uid) => userIdIn(uid) ?? Number.NaN)

export const resetPasswordOfUser = endpoint({
  name: 'resetPasswordOfUser',
  topic,
  description:
    'Sets the new password and ends all sessions of the user, to whom the token must belong. The address counts as verified from then on, as the token came by mail, and throttling by wrong passwords ends. The user is mailed. No session is opened.',
  summary: 'Set a new password with a mailed token that must be of this account; all sessions of the user end',
  access: 'public',
  limit: { class: 'costly', bucket: 'resetPassword' },
  input: z.strictObject({ uid: Uid, token: z.string(), new_password: PasswordText }),
  status: 200,
  output: Detail,
  errors: [passwordErrors.reset_token_invalid],
  handle: async ({ passwords }: Needs, { uid, token, new_password }, caller) => {
    const grant = await passwords.reset({ token, newPassword: new_password, userId: uid }, caller)
    return { ...grant, detail: 'The new password is set: log in with it' }
  },
  cookies: { device: (result) => deviceCookie(result) },
})

const passwordChange = {
  access: 'bearer',
  trustsDevice: true,
  limit: { class: 'costly', bucket: 'changePassword' },
  input: z.strictObject({ current_password: PasswordText, new_password: PasswordText }),
  status: 200,
  errors: [passwordErrors.current_password_wrong, sessionErrors.session_revoked, sessionErrors.session_expired],
} as const

export const changePassword = endpoint({
  ...passwordChange,
  name: 'changePassword',
  topic,
  description:
    'Sets the new password, ends the other sessions of the user, and answers with new tokens of this one. Reset links that were mailed before are no longer valid. The user is mailed. Wrong current passwords count like wrong passwords at the login. Sent again after a lost answer, it is refused, as the new password holds by then.',
  input: passwordChange.input.extend(RememberDevice),
  route: 'POST /change_password',
  summary: 'Change the password; the other sessions of the user end',
  output: TokenPair.extend(DeviceToken),
  handle: async ({ passwords }: Needs, input, caller) => {
    const { current_password: current, new_password: next } = input
    return shareDevice(await passwords.change({ current, next }, caller), input)
  },
  cookies: { refresh: (result) => refreshCookie(result), device: (result) => deviceCookie(result) },
})

export const changePasswordKeepingTokens = endpoint({
  ...passwordChange,
  name: 'changePasswordKeepingTokens',
  topic,
  description:
    'Sets the new password and ends the other sessions of the user; the tokens of this one stay valid. Reset links that were mailed before are no longer valid. The user is mailed. Wrong current passwords count like wrong passwords at the login.',
  summary: 'Change the password; the other sessions of the user end, and this one keeps its tokens',
  output: Detail,
  handle: async ({ passwords }: Needs, { current_password, new_password }, caller) => {
    const grant = await passwords.changeKeepingTokens({ current: current_password, next: new_password }, caller)
    return { ...grant, detail: 'The new password is set' }
  },
  cookies: { device: (result) => deviceCookie(result) },
})
