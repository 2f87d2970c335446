import { ask } from './ask.ts'
import type { Act, Ledger } from './ledger.ts'
import { eventsOfActs } from './ledger.ts'

/** The types of the events that each act has left, in their order. */
export type EventsByAct = ReadonlyMap<string, readonly string[]>

interface Check {
  readonly url: string
  readonly ledger: Ledger
  readonly events: EventsByAct
}

/** Holds what one user was told against the rows and against what the server answers now. Returns what is broken. */
export async function checkActor({ url, ledger, events }: Check): Promise<string[]> {
  const broken = ledger.acts.flatMap((act) => checkEvents(act, events.get(act.id) ?? []))
  const last = ledger.acts.at(-1)
  const left = (last && events.get(last.id)) ?? []
  // A refresh leaves no event: its old token works in either case.
  if (last?.outcome === 'unknown' && left.length > 0) ledger.pending?.()
  const isRegistered = ledger.acts.some(({ id }) => (events.get(id) ?? []).includes('user_registered'))
  return [...broken, ...(await checkAnswers(url, ledger, isRegistered))].map((text) => `${ledger.username}: ${text}`)
}

/** An acknowledged act has all of its events; another has all of them or none. */
function checkEvents({ id, kind, outcome }: Act, found: readonly string[]): string[] {
  const whole: readonly string[] = eventsOfActs[kind]
  const wanted = whole.toSorted().join(' ')
  const is = found.toSorted().join(' ')
  const mayBe = outcome === 'acknowledged' ? [wanted] : [wanted, '']
  // The account is committed before its first session is opened.
  if (kind === 'register' && outcome === 'unknown') mayBe.push('user_registered')
  return mayBe.includes(is) ? [] : [`${id} ${kind} (${outcome}) left the events "${is}" and not "${wanted}"`]
}

async function checkAnswers(url: string, ledger: Ledger, isRegistered: boolean): Promise<string[]> {
  const send = (route: string, body?: object, token?: string) =>
    ask({ agent: false, url, route, ...(body && { body }), token, userAgent: 'check' })
  const wrong: string[] = []
  const expect = (what: string, found: unknown, wanted: unknown) => {
    if (found !== wanted) wrong.push(`${what}: ${found} and not ${wanted}`)
  }
  const { username, password, firstName, isVerified, sessions } = ledger
  const loggedIn = await send('POST /login_credentials', { username, password })
  expect('login with the password that holds', loggedIn.status, isRegistered ? 200 : 401)
  if (loggedIn.status === 200) {
    expect('first name', loggedIn.body.user.first_name, firstName)
    expect('verified', loggedIn.body.user.email_verified, isVerified)
  }
  for (const [index, { access, refresh, isLive }] of sessions.entries()) {
    const used = await send('GET /session', undefined, access)
    expect(`use of session ${index}`, used.status, isLive ? 200 : 401)
    const refreshed = await send('POST /access_token', { refresh_token: refresh })
    expect(`refresh of session ${index}`, refreshed.status, isLive ? 200 : 401)
  }
  return wrong
}
