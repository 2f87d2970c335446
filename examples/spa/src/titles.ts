/** The pages by the last part of their address, which mails know too. */
export const titles = {
  '': 'Accounts',
  register: 'Register',
  'log-in': 'Log in',
  'verify-email': 'Verify your address',
  'forgot-password': 'Forgot your password?',
  'reset-password': 'Set a new password',
  profile: 'Profile',
  password: 'Change the password',
  sessions: 'Sessions',
} as const

export type PageName = keyof typeof titles
