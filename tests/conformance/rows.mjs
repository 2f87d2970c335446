// The table of requests. Each row is made anew for each side, from the people and tokens of that side.
import { contracts, newPassword, password } from './views.mjs'

const json = 'application/json'

/** Values that a text field may get instead of a text. */
const strangeValues = {
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
const strangeBodies = {
  'no body': { type: json },
  'a list': { type: json, body: '[]' },
  'a string': { type: json, body: '"text"' },
  null: { type: json, body: 'null' },
  'a number': { type: json, body: '12' },
  'a fraction': { type: json, body: '1.5' },
  'a boolean': { type: json, body: 'true' },
  'half an object': { type: json, body: '{"a": ' },
  'no UTF-8': { type: json, body: Buffer.from('7b2261223a22ff227d', 'hex') },
  'a constant that JSON has not': { type: json, body: '{"a": NaN}' },
  'plain text': { type: 'text/plain', body: 'text' },
  'no content type': { body: '{}' },
}

/** What may stand in Authorization instead of a live access token. */
const strangeCredentials = {
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
const strangeTokens = {
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

const confirmations = { password: ['password2', 'password_confirm'], new_password: ['new_password_confirm'] }
const otherKind = (kind) => (kind === 'access' ? 'refresh' : 'access')
const tokenFields = { token: 'access', refresh: 'refresh', refresh_token: 'refresh' }

/** What services refuse although its form is right, by the last part of the path. */
const refusals = {
  '/register/': {
    'a username that is taken': ({ person }) => ({ username: person.username }),
    'the same in capitals': ({ person }) => ({ username: person.username.toUpperCase() }),
    'an address that is taken': ({ person }) => ({ email: person.email }),
    'a username with a space': ({ name }) => ({ username: `${name} x` }),
    'a username of 151 characters': ({ name }) => ({ username: name.padEnd(151, 'x') }),
    'an address without @': () => ({ email: 'example.com' }),
    'a first name of 151 characters': () => ({ first_name: 'x'.repeat(151) }),
    'a short password': () => ({ password: 'xK7#', password2: 'xK7#', password_confirm: 'xK7#' }),
    'a common password': () => ({ password: 'password1', password2: 'password1', password_confirm: 'password1' }),
    'two passwords': () => ({ password2: newPassword, password_confirm: newPassword }),
  },
  '/login/': {
    'a wrong password': () => ({ password: newPassword }),
    'somebody unknown': ({ name }) => ({ username: name, email: `${name}@example.com` }),
    'somebody inactive': ({ inactive }) => ({ username: inactive.username, email: inactive.email }),
  },
  '/password-reset/': {
    'an unknown address': ({ name }) => ({ email: `${name}@example.com` }),
    'an address without @': () => ({ email: 'example.com' }),
  },
  '/change-password/': {
    'a wrong password': () => ({ old_password: 'something else', current_password: 'something else' }),
    'a short password': () => ({ new_password: 'xK7#', new_password_confirm: 'xK7#' }),
    'a common password': () => ({ new_password: 'password1', new_password_confirm: 'password1' }),
    'two passwords': () => ({ new_password_confirm: password }),
  },
  '/password/reset/confirm/': { 'two passwords': () => ({ new_password_confirm: password }) },
}

/** All rows of a contract: a title, and the request for one side. */
export function rowsOf(contract) {
  const { views } = contracts[contract]
  const paths = [...new Set(views.map(({ path }) => path))]
  return [
    ...views.flatMap(rowsOfView),
    ...paths.flatMap((path) => rowsOfPath(path, views)),
    row('GET', '/nowhere/', 'nothing is there', () => ({})),
    row('POST', '/login/', 'one time too often', async ({ send, from }) => {
      for (let times = 0; times < 30; times += 1) await send({ method: 'POST', path: '/login/', from })
      return { type: json, body: '{}' }
    }),
  ].map((each) => ({ ...each, title: `${contract}: ${each.title}` }))
}

function row(method, path, what, request) {
  return { title: `${method} ${path}: ${what}`, make: async (side) => ({ method, path, ...(await request(side)) }) }
}

/** A method that the path has not is refused, whoever asks; OPTIONS and HEAD have a meaning of their own. */
function rowsOfPath(path, views) {
  const known = views.filter((view) => view.path === path)
  const isBearer = known.some(({ bearer }) => bearer)
  const others = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND', 'FOO', 'OPTIONS', 'HEAD']
  return others
    .filter((method) => !known.some((view) => view.method === method))
    .flatMap((method) => [
      row(method, path, 'another method', (side) => ({ headers: isBearer ? authorization(side) : {} })),
      ...(isBearer ? [row(method, path, 'another method, without a token', () => ({}))] : []),
    ])
}

function rowsOfView({ method, path, bearer, changesPerson, fields }) {
  const called = `${path}${fields && path.endsWith('/login/') ? ` by ${Object.keys(fields(example))[0]}` : ''}`
  const spendsSession = changesPerson || Object.values(fields?.(example) ?? {}).includes(example.session.refresh)
  const viewRow = (what, change) => {
    const made = row(method, path, what, async (side) => ({
      headers: bearer ? authorization(side) : {},
      ...(await change(side)),
    }))
    return { ...made, title: `${method} ${called}: ${what}`, changesPerson, spendsSession }
  }
  const send = (side, changes = {}) => ({ type: json, body: JSON.stringify({ ...fields?.(side), ...changes }) })
  const valid = (side) => (fields ? send(side) : {})
  const rows = [
    viewRow('all is well', valid),
    viewRow('another Accept', (side) => ({ ...valid(side), headers: accepting(bearer ? authorization(side) : {}) })),
  ]
  if (bearer) {
    for (const [what, header] of Object.entries(strangeCredentials)) {
      rows.push(
        viewRow(`credentials: ${what}`, async (side) => ({ ...valid(side), headers: headersWith(await header(side)) })),
      )
    }
  } else {
    rows.push(viewRow('credentials: garbage', (side) => ({ ...valid(side), headers: headersWith('Bearer garbage') })))
  }
  if (!fields) return rows
  for (const [what, request] of Object.entries(strangeBodies)) rows.push(viewRow(`body: ${what}`, () => request))
  rows.push(
    viewRow('body: a form', (side) => ({ type: 'application/x-www-form-urlencoded', body: form(fields(side)) })),
  )
  rows.push(viewRow('body: a type with a charset', (side) => ({ ...valid(side), type: `${json}; charset=utf-8` })))
  rows.push(viewRow('a field that is not known', (side) => send(side, { surprise: 1 })))
  for (const field of Object.keys(fields(example))) rows.push(...rowsOfField(field, { fields, send, viewRow }))
  for (const [what, changes] of Object.entries(refusals[path] ?? {})) {
    const isMeant = (side) => Object.entries(changes(side)).filter(([field]) => field in fields(side))
    if (isMeant(example).length === 0) continue
    rows.push(viewRow(what, (side) => send(side, Object.fromEntries(isMeant(side)))))
  }
  return rows
}

function rowsOfField(field, { fields, send, viewRow }) {
  // A confirmation says the same again.
  const changes = (side, value) => ({
    ...(field in confirmations && pick(confirmations[field], fields(side), value)),
    [field]: value,
  })
  const rows = [viewRow(`${field}: missing`, (side) => send(side, { [field]: undefined }))]
  for (const [what, value] of Object.entries(strangeValues)) {
    rows.push(viewRow(`${field}: ${what}`, (side) => send(side, changes(side, value(side, fields(side)[field])))))
  }
  const kind = tokenFields[field]
  // A mailed token is no JWT.
  if (kind === undefined || fields(example)[field] !== example.session[kind]) return rows
  for (const [what, token] of Object.entries(strangeTokens)) {
    rows.push(viewRow(`${field}: ${what}`, async (side) => send(side, { [field]: await token(side, kind) })))
  }
  return rows
}

function pick(names, fields, value) {
  return Object.fromEntries(names.filter((name) => name in fields).map((name) => [name, value]))
}

/** Stands for a side where only the names of fields are asked for. */
const example = {
  name: 'x',
  person: { username: 'x', email: 'x' },
  inactive: {},
  session: { access: 'a', refresh: 'r' },
}

function authorization({ session }) {
  return { authorization: `Bearer ${session.access}` }
}

function headersWith(header) {
  return header === undefined ? {} : { authorization: header }
}

function accepting(headers) {
  return { ...headers, accept: 'text/html' }
}

function form(fields) {
  return new URLSearchParams(fields).toString()
}
