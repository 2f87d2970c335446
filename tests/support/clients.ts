import { refusalOf } from './answers.ts'
import { django, foreignRefusalOf } from './error-formats.ts'
import type { Exchanged } from './exchange.ts'
import type { Credentials } from './fixtures.ts'

interface Request {
  readonly method: string
  readonly path: string
  readonly body?: object
  readonly token?: string
}

/** The requests of a client of one published contract for what all contracts offer. */
export interface Client {
  readonly name: string
  readonly register: (credentials: Credentials) => Request
  readonly verify: (token: string, credentials: Credentials) => Request
  readonly logIn: (credentials: Credentials) => Request
  /** A read that needs a live session. */
  readonly look: (access: string) => Request
  readonly refresh: (refreshToken: string) => Request
  readonly logOut: (refreshToken: string) => Request
  readonly requestReset: (email: string) => Request
  /** Needs everything that the link in the mail holds. */
  readonly reset: (link: string, password: string) => Request
  readonly tokensIn: (body: Exchanged['body']) => { access: string; refresh: string }
  /** Whether a refresh replaces the refresh token. */
  readonly rotates: boolean
  readonly verificationRequired: boolean
  /** The status of a verification, of a request for a reset, and of a reset. */
  readonly done: number
  /** The status of a logout, and the refusals. */
  readonly loggedOut: number
  readonly says: Readonly<Record<'wrongPassword' | 'ended' | 'endedRefresh' | 'reused' | 'usedReset', string>>
  readonly refusalOf: (answer: Exchanged) => string
}

const post = (path: string, body: object): Request => ({ method: 'POST', path, body })
const look = (path: string) => (token: string) => ({ method: 'GET', path, token })

/** The token in a link, in its path, query or fragment. */
export function tokenIn(link: string): string {
  return /(?<![\w-])[\w-]{43}(?![\w-])/.exec(link)?.[0] ?? 'none'
}

const own: Client = {
  name: '/api/v1/auth',
  register: (credentials) => post('/api/v1/auth/register_credentials', credentials),
  verify: (token) => post('/api/v1/auth/verify_email', { token }),
  logIn: ({ username, password }) => post('/api/v1/auth/login_credentials', { username, password }),
  look: look('/api/v1/auth/session'),
  refresh: (refresh_token) => post('/api/v1/auth/access_token', { refresh_token }),
  logOut: (refresh_token) => post('/api/v1/auth/logout', { refresh_token }),
  requestReset: (email) => post('/api/v1/auth/forgot_password', { email }),
  reset: (link, new_password) => post('/api/v1/auth/reset_password', { token: tokenIn(link), new_password }),
  tokensIn: ({ access_token, refresh_token }) => ({ access: access_token, refresh: refresh_token }),
  rotates: true,
  verificationRequired: false,
  done: 200,
  loggedOut: 200,
  says: {
    wrongPassword: '401 credentials_invalid',
    ended: '401 session_revoked',
    endedRefresh: '401 session_revoked',
    reused: '401 refresh_token_reused',
    usedReset: '400 reset_token_invalid',
  },
  refusalOf,
}

/** The common part of the contracts with Django's error format; two of them send no mails of their own. */
const foreign = {
  ...own,
  says: {
    ...own.says,
    wrongPassword: django.noAccount,
    ended: django.badAccess,
    endedRefresh: django.blacklisted,
    reused: django.blacklisted,
  },
  tokensIn: ({ access, refresh }: Exchanged['body']) => ({ access, refresh }),
  refusalOf: (answer: Exchanged) =>
    String(answer.headers['content-type']).startsWith('application/problem+json')
      ? refusalOf(answer)
      : foreignRefusalOf(answer),
}

const mailed = {
  ...foreign,
  verificationRequired: true,
  rotates: false,
  loggedOut: 205,
  says: { ...foreign.says, usedReset: django.badToken('reset') },
  look: look('/api/auth/profile/'),
  logOut: (refresh: string) => post('/api/auth/logout/', { refresh }),
}

/** One per published contract: two of them share a prefix. */
export const clients: readonly Client[] = [
  own,
  {
    ...mailed,
    name: '/api/auth by username',
    register: (credentials) => post('/api/auth/register/', credentials),
    verify: (token) => ({ method: 'GET', path: `/api/auth/verify-email/?token=${token}` }),
    logIn: ({ username, password }) => post('/api/auth/login/', { username, password }),
    refresh: (refresh) => post('/api/auth/login/refresh/', { refresh }),
    requestReset: (email) => post('/api/auth/password-reset/', { email }),
    reset: (link, password) => ({ method: 'PATCH', path: new URL(link).pathname, body: { password } }),
  },
  {
    ...mailed,
    name: '/api/auth by address',
    register: (credentials) => post('/api/auth/register/', { ...credentials, password2: credentials.password }),
    verify: (token, { password }) => post('/api/auth/verify-email/', { token, password }),
    logIn: ({ email, password }) => post('/api/auth/login/', { email, password }),
    refresh: (refresh) => post('/api/auth/token/refresh/', { refresh }),
    requestReset: (email) => post('/api/auth/password/reset/request/', { email }),
    reset: (link, password) =>
      post('/api/auth/password/reset/confirm/', {
        token: tokenIn(link),
        new_password: password,
        new_password_confirm: password,
      }),
  },
  {
    ...foreign,
    name: '/api',
    loggedOut: 205,
    register: (credentials) => post('/api/register/', credentials),
    logIn: ({ username, password }) => post('/api/login/', { username, password }),
    look: look('/api/protected/'),
    refresh: (refresh) => post('/api/refresh/', { refresh }),
    logOut: (refresh) => post('/api/logout/', { refresh }),
  },
  {
    ...foreign,
    name: '/api/v1/drf/auth',
    register: ({ email, password }) =>
      post('/api/v1/drf/auth/register/', {
        email,
        password,
        password_confirm: password,
        first_name: 'Ada',
        last_name: 'Lovelace',
      }),
    logIn: ({ email, password }) => post('/api/v1/drf/auth/login/', { email, password }),
    look: look('/api/v1/drf/auth/me/'),
    refresh: (refresh_token) => post('/api/v1/drf/auth/token/refresh/', { refresh_token }),
    logOut: (refresh_token) => post('/api/v1/drf/auth/logout/', { refresh_token }),
    tokensIn: own.tokensIn,
  },
  {
    ...foreign,
    name: '/dj-rest-auth',
    rotates: false,
    says: {
      ...foreign.says,
      wrongPassword: django.fields({ non_field_errors: ['Unable to log in with provided credentials.'] }),
      usedReset: django.fields({ token: ['Invalid value'] }),
    },
    register: ({ username, email, password }) =>
      post('/dj-rest-auth/registration/', { username, email, password1: password, password2: password }),
    verify: (key) => post('/dj-rest-auth/registration/verify-email/', { key }),
    logIn: ({ username, password }) => post('/dj-rest-auth/login/', { username, password }),
    look: look('/dj-rest-auth/user/'),
    refresh: (refresh) => post('/dj-rest-auth/token/refresh/', { refresh }),
    logOut: (refresh) => post('/dj-rest-auth/logout/', { refresh }),
    requestReset: (email) => post('/dj-rest-auth/password/reset/', { email }),
    reset: (link, password) =>
      post('/dj-rest-auth/password/reset/confirm/', {
        token: tokenIn(link),
        new_password1: password,
        new_password2: password,
      }),
  },
  {
    ...foreign,
    name: '/auth',
    rotates: false,
    done: 204,
    loggedOut: 204,
    says: { ...foreign.says, usedReset: django.fields({ token: ['Invalid token for given user.'] }) },
    register: (credentials) => post('/auth/users/', credentials),
    verify: (token) => post('/auth/users/activation/', { uid: 'MQ', token }),
    logIn: ({ username, password }) => post('/auth/jwt/create/', { username, password }),
    look: look('/auth/users/me/'),
    refresh: (refresh) => post('/auth/jwt/refresh/', { refresh }),
    logOut: (refresh) => post('/auth/token/logout/', { refresh }),
    requestReset: (email) => post('/auth/users/reset_password/', { email }),
    reset: (link, new_password) => post('/auth/users/reset_password_confirm/', { token: tokenIn(link), new_password }),
  },
]
