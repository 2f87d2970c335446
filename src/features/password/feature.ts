import * as endpoints from './endpoints.ts'

export const password = {
  name: 'password',
  endpoints: [
    endpoints.forgotPassword,
    endpoints.resetPassword,
    endpoints.resetPasswordOfUser,
    endpoints.changePassword,
    endpoints.changePasswordKeepingTokens,
  ],
}
