import * as endpoints from './endpoints.ts'

export const auth = {
  name: 'auth',
  endpoints: [
    endpoints.register,
    endpoints.createAccount,
    endpoints.logIn,
    endpoints.issueRefreshToken,
    endpoints.verifyEmail,
    endpoints.verifyEmailByLink,
    endpoints.resendVerification,
  ],
}
