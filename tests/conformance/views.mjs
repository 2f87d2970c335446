// The views of each contract, with a valid request to each.

export const password = 'correct horse battery'
export const newPassword = 'a stapled Trombone 47'

const names = { first_name: 'Ada', last_name: 'Lovelace' }
const profile = { ...names, display_name: 'Ada', phone_number: '+44 20 7946 0018', timezone: 'UTC' }
/** The profile that is stored before it is changed in part. */
const former = {
  ...{ first_name: 'Grace', last_name: 'Hopper', display_name: 'Amazing Grace' },
  ...{ phone_number: '+1 202 555 0123', timezone: 'Europe/Paris' },
}
const storing = (method, path) => () => ({ method, path, type: 'application/json', body: JSON.stringify(former) })
const unregistered = { uid: 'OTk5OTk5', token: 'c2-1234567890abcdef' }

const newcomer = ({ name }) => ({ username: name, email: `${name}@example.com`, password })
const refreshOf = ({ session }) => ({ refresh: session.refresh })
const refreshTokenOf = ({ session }) => ({ refresh_token: session.refresh })
const address = ({ user }) => ({ email: user.email })

/**
 * Per view: its method and path, whether it asks for a bearer token, whether its rows need a user each, whose
 * password changes or is guessed at, the fields that it takes, made for one row, and the request that stores others in them.
 */
export const contracts = {
  'rest-auth': {
    prefix: '/api/auth',
    login: { path: '/login/', identifier: 'username' },
    views: [
      { method: 'POST', path: '/register/', fields: (row) => ({ ...newcomer(row), password2: password, ...names }) },
      { method: 'GET', path: '/verify-email/?token=unknown' },
      {
        method: 'POST',
        path: '/login/',
        ownUser: true,
        fields: ({ user }) => ({ username: user.username, password }),
      },
      { method: 'POST', path: '/login/', ownUser: true, fields: ({ user }) => ({ email: user.email, password }) },
      { method: 'POST', path: '/login/refresh/', fields: refreshOf },
      { method: 'POST', path: '/token/refresh/', fields: refreshOf },
      { method: 'POST', path: '/token/verify/', fields: ({ session }) => ({ token: session.access }) },
      { method: 'POST', path: '/logout/', fields: refreshOf },
      { method: 'POST', path: '/password-reset/', fields: address },
      {
        method: 'PATCH',
        path: `/password-reset-confirm/${unregistered.uid}/${unregistered.token}/`,
        fields: () => ({ password: newPassword }),
      },
      { method: 'POST', path: '/password/reset/request/', fields: address },
      {
        method: 'POST',
        path: '/password/reset/confirm/',
        fields: () => ({ token: unregistered.token, new_password: newPassword, new_password_confirm: newPassword }),
      },
      { method: 'GET', path: '/profile/', bearer: true },
      {
        method: 'PUT',
        path: '/profile/',
        bearer: true,
        fields: () => profile,
        stored: storing('PUT', '/profile/'),
      },
    ],
  },
  'simple-jwt': {
    prefix: '/api',
    login: { path: '/login/', identifier: 'username' },
    views: [
      { method: 'POST', path: '/register/', fields: newcomer },
      {
        method: 'POST',
        path: '/login/',
        ownUser: true,
        fields: ({ user }) => ({ username: user.username, password }),
      },
      { method: 'POST', path: '/refresh/', fields: refreshOf },
      { method: 'POST', path: '/logout/', fields: refreshOf },
      { method: 'GET', path: '/protected/', bearer: true },
      {
        method: 'POST',
        path: '/change-password/',
        bearer: true,
        ownUser: true,
        fields: ({ user }) => ({ old_password: user.password, new_password: newPassword }),
      },
    ],
  },
  drf: {
    prefix: '/api/v1/drf/auth',
    login: { path: '/login/', identifier: 'email' },
    views: [
      {
        method: 'POST',
        path: '/register/',
        fields: ({ name }) => ({ email: `${name}@example.com`, password, password_confirm: password, ...names }),
      },
      { method: 'POST', path: '/login/', ownUser: true, fields: ({ user }) => ({ email: user.email, password }) },
      { method: 'POST', path: '/logout/', fields: refreshTokenOf },
      { method: 'POST', path: '/token/refresh/', fields: refreshTokenOf },
      { method: 'GET', path: '/me/', bearer: true },
      {
        method: 'PATCH',
        path: '/me/',
        bearer: true,
        fields: () => profile,
        stored: storing('PATCH', '/me/'),
      },
      {
        method: 'POST',
        path: '/change-password/',
        bearer: true,
        ownUser: true,
        fields: ({ user }) => ({
          current_password: user.password,
          new_password: newPassword,
          new_password_confirm: newPassword,
        }),
      },
    ],
  },
}
