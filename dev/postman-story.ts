/** A request of the story. What is not said here comes from the OpenAPI document. */
export interface Step {
  /** The `operationId`; absent where the development mailbox is read. */
  readonly operation?: string
  /** The name of the request, in place of the summary of the operation. */
  readonly name?: string
  /** The script that runs before the request. */
  readonly before?: readonly string[]
  readonly path?: Readonly<Record<string, string>>
  readonly body?: Readonly<Record<string, string>>
  /** The status of a refusal; otherwise the answer is the success of the document. */
  readonly refusal?: number
  /** Titles of tests, and the expectation of each about the answer `body`. */
  readonly tests?: Readonly<Record<string, string>>
  /** Variables of the environment, and the expression of the value that each gets from the answer. */
  readonly save?: Readonly<Record<string, string>>
}

export interface Chapter {
  readonly name: string
  readonly steps: readonly Step[]
}

/** The environment. */
export const variables: Readonly<Record<string, string>> = {
  base_url: 'http://localhost:3000',
  username: '',
  email: '',
  password: 'a first good password',
  access_token: '',
  refresh_token: '',
  session_id: '',
  other_session_id: '',
  mail_token: '',
}

/** Postman hides their values. */
export const hiddenVariables = ['password', 'access_token', 'refresh_token', 'mail_token']

const tokens = { access_token: 'body.access_token', refresh_token: 'body.refresh_token' }

const newTokens = {
  'gives another access token': "pm.expect(body.access_token).not.to.equal(pm.environment.get('access_token'))",
  'gives another refresh token': "pm.expect(body.refresh_token).not.to.equal(pm.environment.get('refresh_token'))",
}

const ofThisUser = "pm.expect(body.user.username).to.equal(pm.environment.get('username'))"

const logIn: Step = {
  operation: 'logIn',
  body: { username: '{{username}}', password: '{{password}}' },
  tests: { 'logs in this user': ofThisUser },
  save: tokens,
}

/** The newest mail to this address with such a link. The mailbox is there outside production, without a mail server. */
function readMail(name: string, page: 'verify-email' | 'reset-password'): Step {
  const mail = `body.mails.find(({ to, text }) => to === pm.environment.get('email') && text.includes('/${page}#'))`
  return {
    name,
    tests: { 'has a token': `pm.expect(${mail}.token).to.be.a('string')` },
    save: { mail_token: `${mail}.token` },
  }
}

const refusedSession: Step = {
  operation: 'readSession',
  name: 'The session has ended',
  refusal: 401,
  tests: { 'says why': "pm.expect(body.code).to.equal('session_revoked')" },
}

export const story: readonly Chapter[] = [
  {
    name: 'Register and verify the address',
    steps: [
      {
        operation: 'register',
        before: [
          "const username = 'ada' + Date.now().toString(36) + Math.random().toString(36).slice(2, 8)",
          "pm.environment.set('username', username)",
          "pm.environment.set('email', username + '@example.com')",
          `pm.environment.set('password', '${variables.password}')`,
        ],
        body: { username: '{{username}}', email: '{{email}}', password: '{{password}}' },
        tests: {
          'makes this user': ofThisUser,
          'has not verified the address yet': 'pm.expect(body.user.email_verified).to.equal(false)',
        },
        save: tokens,
      },
      { operation: 'resendVerification', body: { email: '{{email}}' } },
      readMail('Read the mail with the verification link', 'verify-email'),
      { operation: 'verifyEmail', body: { token: '{{mail_token}}' } },
    ],
  },
  {
    name: 'Log in, and refresh the tokens',
    steps: [
      logIn,
      {
        operation: 'readSession',
        tests: {
          'belongs to this user': ofThisUser,
          'has verified the address': 'pm.expect(body.user.email_verified).to.equal(true)',
        },
        save: { session_id: 'body.session.id' },
      },
      {
        operation: 'verifyToken',
        body: { token: '{{access_token}}' },
        tests: {
          'is accepted': 'pm.expect(body.active).to.equal(true)',
          'belongs to this session': "pm.expect(body.session_id).to.equal(pm.environment.get('session_id'))",
        },
      },
      { operation: 'refreshTokens', body: { refresh_token: '{{refresh_token}}' }, tests: newTokens, save: tokens },
      { operation: 'readTokens', tests: newTokens, save: tokens },
      { operation: 'renewTokens', tests: newTokens, save: tokens },
      { operation: 'issueRefreshToken', body: { username: '{{username}}', password: '{{password}}' } },
    ],
  },
  {
    name: 'Sessions',
    steps: [
      {
        operation: 'listSessions',
        tests: {
          'lists those of the registration, the login and the issued refresh token':
            'pm.expect(body.total).to.equal(3)',
          'marks the current one':
            "pm.expect(body.sessions.find(({ current }) => current).id).to.equal(pm.environment.get('session_id'))",
        },
        save: { other_session_id: 'body.sessions.find(({ current }) => !current).id' },
      },
      { operation: 'endSession', path: { id: '{{other_session_id}}' } },
      {
        operation: 'listSessions',
        name: 'The ended session is gone',
        tests: {
          'lists one less': 'pm.expect(body.total).to.equal(2)',
          'does not list it':
            "pm.expect(body.sessions.map(({ id }) => id)).not.to.include(pm.environment.get('other_session_id'))",
        },
      },
    ],
  },
  {
    name: 'Profile',
    steps: [
      {
        operation: 'readProfile',
        tests: { 'is that of this user': "pm.expect(body.username).to.equal(pm.environment.get('username'))" },
      },
      {
        operation: 'changeProfile',
        body: { first_name: 'Ada', last_name: 'Lovelace' },
        tests: { 'has both names': "pm.expect(body.full_name).to.equal('Ada Lovelace')" },
      },
      {
        operation: 'replaceProfile',
        body: { first_name: 'Augusta' },
        tests: { 'has lost what was not sent': "pm.expect(body.full_name).to.equal('Augusta')" },
      },
    ],
  },
  {
    name: 'Passwords',
    steps: [
      { operation: 'reauthenticate', body: { password: '{{password}}' } },
      {
        operation: 'changePassword',
        body: { current_password: '{{password}}', new_password: 'a second good password' },
        tests: newTokens,
        save: { ...tokens, password: "'a second good password'" },
      },
      { operation: 'forgotPassword', body: { email: '{{email}}' } },
      readMail('Read the mail with the link to a new password', 'reset-password'),
      {
        operation: 'resetPassword',
        body: { token: '{{mail_token}}', new_password: 'a third good password' },
        save: { password: "'a third good password'" },
      },
      refusedSession,
      { ...logIn, name: 'Log in with the new password' },
    ],
  },
  {
    name: 'Log out',
    steps: [
      { operation: 'logOut', body: { refresh_token: '{{refresh_token}}' } },
      refusedSession,
      { ...logIn, name: 'Log in once more' },
      {
        operation: 'logOutEverywhere',
        tests: { 'ends the one session': 'pm.expect(body.sessions_ended).to.equal(1)' },
      },
    ],
  },
]
