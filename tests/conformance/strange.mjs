// Values in place of valid ones, and values that are refused although their form is valid.
import { newPassword, password } from './views.mjs'

const json = 'application/json'

/** Values that a text field may get instead of a text. */
export const strangeValues = {
  null: () => null,
  blank: () => '',
  'only spaces': () => '   ',
  'a number': ({ index }) => 70_918_264_000 + index,
  'a fraction': ({ index }) => index + 0.5,
  'a list': () => ['a'],
  'an object': () => ({ a: 'b' }),
  'a boolean': () => true,
  'a NUL character': () => 'nul\u0000nul',
  'half a character': () => 'half \ud800',
  'spaces around it': (_row, value) => ` ${value} `,
}

/** Bodies that are no object, or none that can be read. */
export const strangeBodies = {
  'no body': { type: json },
  'a list': { type: json, body: '[]' },
  'a string': { type: json, body: '"text"' },
  null: { type: json, body: 'null' },
  'a number': { type: json, body: '12' },
  'a fraction': { type: json, body: '1.5' },
  'a boolean': { type: json, body: 'true' },
  'half an object': { type: json, body: '{"a": ' },
  'half an object, in a charset without its hyphen': { type: `${json}; charset=utf8`, body: '{"a": ' },
  'half an object, with a parameter': { type: `${json}; version=1.0`, body: '{"a": ' },
  'no UTF-8': { type: json, body: Buffer.from('7b2261223a22ff227d', 'hex') },
  'a constant that JSON has not': { type: json, body: '{"a": NaN}' },
  'plain text': { type: 'text/plain', body: 'text' },
  'no content type': { body: '{}' },
}

/** Values in Authorization in place of a valid access token. */
export const strangeCredentials = {
  none: () => undefined,
  'an empty header': () => '',
  'the scheme alone': () => 'Bearer',
  'three words': ({ session }) => `Bearer ${session.access} more`,
  'another scheme': () => 'Basic YWRhOnNlY3JldA==',
  'another word': ({ session }) => `Token ${session.access}`,
  'the scheme in lower case': ({ session }) => `bearer ${session.access}`,
  'two spaces': ({ session }) => `Bearer  ${session.access}`,
  garbage: () => 'Bearer garbage',
  'garbage of other characters': () => 'Bearer {garbage}',
  'a token without a signature': ({ session }) => `Bearer ${session.access.replace(/[^.]+$/, '')}`,
  'a refresh token': ({ session }) => `Bearer ${session.refresh}`,
  'an expired token': (row) => `Bearer ${row.aged('access')}`,
  'the token of a session that logged out': async (row) => {
    await row.logOut()
    return `Bearer ${row.session.access}`
  },
}

/** Texts that are no valid token where one is asked for. */
export const strangeTokens = {
  'an expired one': (row, kind) => row.aged(kind),
  'an expired one of the other kind': (row, kind) => row.aged(otherKind(kind)),
  'one of the other kind': ({ session }, kind) => session[otherKind(kind)],
  'one that was forged': ({ session }, kind) => `${session[kind].slice(0, -4)}AAAA`,
  'one of a session that logged out': async (row, kind) => {
    await row.logOut()
    return row.session[kind]
  },
  'one that was used': async (row, kind) => {
    await row.refresh()
    return row.session[kind]
  },
}

const otherKind = (kind) => (kind === 'access' ? 'refresh' : 'access')

/** Phone numbers as users paste them, and texts that are none. */
const phoneNumbers = {
  'a phone number in E.164': () => ({ phone_number: '+1234567890' }),
  'a phone number with an extension': () => ({ phone_number: '+44 20 7946 0018 ext. 5' }),
  'a phone number between marks of direction': () => ({ phone_number: '\u202a+44 20 7946 0018\u202c' }),
  'a phone number in other digits': () => ({ phone_number: '+٤٤ ٢٠ ٧٩٤٦ ٠٠١٨' }),
  'a phone number without a country': () => ({ phone_number: '020 7946 0018' }),
  'a phone number that is too short': () => ({ phone_number: '+44 20' }),
  'words for a phone number': () => ({ phone_number: 'call me' }),
}

const samePasswords = (password) => ({ password, password2: password, password_confirm: password })
const sameNewPasswords = (password) => ({ new_password: password, new_password_confirm: password })

/** Values that services refuse although their form is valid, by the last part of the path. */
export const refusals = {
  '/register/': {
    'a username that is taken': ({ user }) => ({ username: user.username }),
    'the same in capitals': ({ user }) => ({ username: user.username.toUpperCase() }),
    'an address that is taken': ({ user }) => ({ email: user.email }),
    'a username with a space': ({ name }) => ({ username: `${name} x` }),
    'a username of 151 characters': ({ name }) => ({ username: name.padEnd(151, 'x') }),
    'an address without @': () => ({ email: 'example.com' }),
    'a first name of 151 characters': () => ({ first_name: 'x'.repeat(151) }),
    'a short password': () => samePasswords('xK7#'),
    'a common password': () => samePasswords('password1'),
    'a common password with a figure more': () => samePasswords('password1234'),
    'a common password between spaces': () => samePasswords(' password1 '),
    'a password of digits': ({ index }) => samePasswords(`${70_918_264_000 + index}`),
    'a common password of digits': () => samePasswords('12345678'),
    'a password of digits of another script': () => samePasswords('٣٩٢٧٥١٨٤٦٠'),
    'a password that is the username': ({ name }) => samePasswords(name),
    'a password like the username': ({ name }) => samePasswords(`${name.toUpperCase()}.`),
    'a password of the mails of the username': ({ name }) => samePasswords([...name].reverse().join('')),
    'a password that begins with the username': ({ name }) => samePasswords(`${name} and some more words`),
    'a password that is the address': ({ name }) => samePasswords(`${name}@example.com`),
    'a password like the domain of the address': ({ name }) => ({
      ...samePasswords('a1-hospital'),
      email: `${name}@hospital.example`,
    }),
    'a password like the first name': () => ({ ...samePasswords('Wilhelmina'), first_name: 'Wilhelmine' }),
    'a password like a part of the last name': () => ({ ...samePasswords('scott-gwen'), last_name: 'Von Wegscott' }),
    'a password like both names': () => ({
      ...samePasswords('tamarinde'),
      first_name: 'Tamarind',
      last_name: 'Amarinde',
    }),
    'a short password like the first name': () => ({ ...samePasswords('Tamarin'), first_name: 'Tamarin' }),
    'two passwords': () => ({ password2: newPassword, password_confirm: newPassword }),
  },
  '/login/': {
    'a wrong password': () => ({ password: newPassword }),
    'an unregistered user': ({ name }) => ({ username: name, email: `${name}@example.com` }),
    'an address without @': () => ({ email: 'example.com' }),
    'an inactive user': ({ inactive }) => ({ username: inactive.username, email: inactive.email }),
  },
  '/password-reset/': {
    'an unknown address': ({ name }) => ({ email: `${name}@example.com` }),
    'an address without @': () => ({ email: 'example.com' }),
  },
  '/profile/': phoneNumbers,
  '/me/': phoneNumbers,
  '/change-password/': {
    'a wrong password': () => ({ old_password: 'something else', current_password: 'something else' }),
    'a short password': () => sameNewPasswords('xK7#'),
    'a common password': () => sameNewPasswords('password1'),
    'a password of digits': () => sameNewPasswords('70918264000'),
    'a password that is the username': ({ user }) => sameNewPasswords(user.username),
    'a password that is the address': ({ user }) => sameNewPasswords(user.email),
    'a password of the mails of the address': ({ user }) => sameNewPasswords([...user.email].reverse().join('')),
    'two passwords': () => ({ new_password_confirm: password }),
  },
  '/password/reset/confirm/': { 'two passwords': () => ({ new_password_confirm: password }) },
}
