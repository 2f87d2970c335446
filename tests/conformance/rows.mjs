// The table of requests. Each row is made anew for each side, from the users and tokens of that side.
import { addresses, logIns } from './addresses.mjs'
import { formRows } from './forms.mjs'
import { refusals, strangeBodies, strangeCredentials, strangeTokens, strangeValues } from './strange.mjs'
import { contracts, password } from './views.mjs'

const json = 'application/json'
/** As programs of the published services send it. */
const accept = 'application/json, text/plain, */*'

const confirmations = { password: ['password2', 'password_confirm'], new_password: ['new_password_confirm'] }
const tokenFields = { token: 'access', refresh: 'refresh', refresh_token: 'refresh' }

/** All rows of a contract: a title, and the request for one side. */
export function rowsOf(contract) {
  const { views } = contracts[contract]
  const paths = [...new Set(views.map(({ path }) => path))]
  return [
    ...views.flatMap(rowsOfView),
    ...paths.flatMap((path) => rowsOfPath(path, views)),
    row('GET', '/nowhere/', 'nothing is there', () => ({})),
    row('POST', '/login/', 'one time too often', async ({ send }) => {
      for (let times = 0; times < 30; times += 1) await send({ method: 'POST', path: '/login/' })
      return { type: json, body: '{}' }
    }),
  ].map((each) => ({ ...each, title: `${contract}: ${each.title}` }))
}

function row(method, path, what, request) {
  const make = async (side) => {
    const { headers, ...rest } = await request(side)
    return { method, path, headers: { accept, ...headers }, ...rest }
  }
  return { title: `${method} ${path}: ${what}`, make }
}

/** A method that the path does not have is refused for every caller; OPTIONS and HEAD have a meaning of their own. */
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

function rowsOfView({ method, path, bearer, ownUser, fields, stored }) {
  const called = `${path}${fields && path.endsWith('/login/') ? ` by ${Object.keys(fields(example))[0]}` : ''}`
  const spendsSession = ownUser || Object.values(fields?.(example) ?? {}).includes(example.session.refresh)
  const viewRow = (what, change, values) => {
    const made = row(method, path, what, async (side) => ({
      headers: bearer ? authorization(side) : {},
      ...(await change(side)),
    }))
    return { ...made, title: `${method} ${called}: ${what}`, ownUser, spendsSession, values }
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
  rows.push(...formRows({ names: Object.keys(fields(example)), fields, viewRow }))
  rows.push(...partialRows(Object.keys(fields(example)), { fields, stored, viewRow }))
  rows.push(viewRow('body: a type with a charset', (side) => ({ ...valid(side), type: `${json}; charset=utf-8` })))
  rows.push(viewRow('a field that is not known', (side) => send(side, { surprise: 1 })))
  for (const field of Object.keys(fields(example))) rows.push(...rowsOfField(field, { fields, send, viewRow }))
  rows.push(...rowsOfAddresses({ path, fields, send, viewRow }))
  for (const [what, changes] of Object.entries(refusals[path] ?? {})) {
    const isMeant = (side) => Object.entries(changes(side)).filter(([field]) => field in fields(side))
    if (isMeant(example).length === 0) continue
    rows.push(viewRow(what, (side) => send(side, Object.fromEntries(isMeant(side)))))
  }
  return rows
}

/** Addresses where one is given, and logins with them. */
function rowsOfAddresses({ path, fields, send, viewRow }) {
  if (!('email' in fields(example))) return []
  if (!path.endsWith('/login/')) {
    return Object.entries(addresses).map(([what, make]) =>
      viewRow(`an address with ${what}`, (side) => send(side, { email: make(side.name) })),
    )
  }
  return logIns.map((what) =>
    viewRow(`an address with ${what}`, async (side) => {
      const email = addresses[what](side.name)
      await side.makeUser({ username: `owner-${side.name}`, email, password })
      return send(side, { email })
    }),
  )
}

/**
 * A body with each subset of the fields, but for those that lack none or one of them: these have rows of their own. Where the fields are
 * stored, others were stored before, and the values that both sides have afterwards count.
 */
function partialRows(names, { fields, stored, viewRow }) {
  return subsetsOf(names)
    .filter((subset) => subset.length < names.length - 1)
    .map((subset) => {
      const what = subset.length === 0 ? 'no fields' : `nothing but ${subset.join(', ')}`
      const partial = async (side) => {
        if (stored) await side.send({ ...stored(side), headers: authorization(side) })
        const body = Object.fromEntries(Object.entries(fields(side)).filter(([name]) => subset.includes(name)))
        return { type: json, body: JSON.stringify(body) }
      }
      return viewRow(what, partial, stored && names)
    })
}

function subsetsOf([first, ...others]) {
  if (first === undefined) return [[]]
  return subsetsOf(others).flatMap((subset) => [subset, [first, ...subset]])
}

function rowsOfField(field, { fields, send, viewRow }) {
  // A confirmation repeats the value.
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

/** Takes the place of a side where only the names of fields are needed. */
const example = {
  name: 'x',
  user: { username: 'x', email: 'x' },
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
