import { Agent } from 'node:http'
import type { Answer, Question } from './ask.ts'
import { ask } from './ask.ts'
import type { ActKind, KnownSession, Ledger } from './ledger.ts'
import type { Random } from './random.ts'

export interface Actor {
  readonly ledger: Ledger
  /** What it was told that it should not have been told. */
  readonly complaints: string[]
  /** Acts until the outcome of one is unknown, or `stop` is called. */
  run(): Promise<void>
  stop(): void
}

interface Needs {
  readonly name: string
  readonly url: string
  readonly random: Random
  /** The token of the newest mail to the address with such a subject, once it has come. */
  readonly mailedToken: (email: string, subject: RegExp) => string | undefined
}

const logInPath = 'POST /login_credentials'

/** One user who does this and that, one thing after the other, and remembers what was acknowledged. */
export function createActor({ name, url, random, mailedToken }: Needs): Actor {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const complaints: string[] = []
  let isStopped = false
  const ledger: Ledger = {
    username: name,
    email: `${name}@example.com`,
    password: `the first password of ${name.slice(-4)}`,
    firstName: '',
    isVerified: false,
    isResetAsked: false,
    sessions: [],
    acts: [],
    pending: undefined,
  }

  type Doing = Pick<Question, 'route' | 'body' | 'token'> & {
    /** The ledger once the act is carried out; the answer is undefined where it was lost. */
    readonly enter: (answer: Answer['body'] | undefined) => void
    readonly status?: number
  }

  async function act(kind: ActKind, { route, body, token, enter, status = 200 }: Doing): Promise<void> {
    const entry = { id: `${name}/${ledger.acts.length}`, kind, outcome: 'unknown' as 'unknown' | 'acknowledged' }
    ledger.acts.push(entry)
    const answer = await ask({ agent, url, route, ...(body && { body }), token, userAgent: entry.id })
    if (answer.status === status) {
      entry.outcome = 'acknowledged'
      return enter(answer.body)
    }
    if (answer.status !== undefined && answer.status !== 503)
      complaints.push(`${entry.id} ${kind} was answered ${answer.status} ${JSON.stringify(answer.body)}`)
    ledger.pending = () => enter(undefined)
    isStopped = true
  }

  function addSession(body: Answer['body'] | undefined): void {
    if (body) ledger.sessions.push({ access: body.access_token, refresh: body.refresh_token, isLive: true })
  }

  /** Without an answer the session keeps its old tokens, which still get the new ones during the grace. */
  function renew(session: KnownSession, body: Answer['body'] | undefined): void {
    if (body) Object.assign(session, { access: body.access_token, refresh: body.refresh_token })
  }

  function endAll(except?: KnownSession): void {
    for (const session of ledger.sessions) if (session !== except) session.isLive = false
  }

  const live = () => ledger.sessions.filter(({ isLive }) => isLive)

  const register = () =>
    act('register', {
      route: 'POST /register_credentials',
      body: { username: name, email: ledger.email, password: ledger.password },
      status: 201,
      enter: addSession,
    })
  const logIn = () =>
    act('logIn', { route: logInPath, body: { username: name, password: ledger.password }, enter: addSession })
  const refresh = (session: KnownSession) =>
    act('refresh', {
      route: 'POST /access_token',
      body: { refresh_token: session.refresh },
      enter: (body) => renew(session, body),
    })
  const logOut = (session: KnownSession) =>
    act('logOut', {
      route: 'POST /logout',
      body: { refresh_token: session.refresh },
      enter() {
        session.isLive = false
      },
    })
  function editProfile({ access: token }: KnownSession) {
    const first_name = `Name ${ledger.acts.length}`
    return act('editProfile', {
      route: 'PATCH /profile',
      token,
      body: { first_name },
      enter() {
        ledger.firstName = first_name
      },
    })
  }
  function changePassword(session: KnownSession) {
    const next = `password number ${ledger.acts.length} of ${name.slice(-4)}`
    return act('changePassword', {
      route: 'POST /change_password',
      token: session.access,
      body: { current_password: ledger.password, new_password: next },
      enter(body) {
        ledger.password = next
        endAll(session)
        renew(session, body)
      },
    })
  }
  const verify = (token: string) =>
    act('verify', {
      route: 'POST /verify_email',
      body: { token },
      enter() {
        ledger.isVerified = true
      },
    })
  const askForReset = () =>
    act('askForReset', {
      route: 'POST /forgot_password',
      body: { email: ledger.email },
      enter() {
        ledger.isResetAsked = true
      },
    })
  function reset(token: string) {
    const next = `password number ${ledger.acts.length} by reset`
    return act('reset', {
      route: 'POST /reset_password',
      body: { token, new_password: next },
      enter() {
        ledger.password = next
        endAll()
      },
    })
  }

  /** The acts that can succeed now. */
  function choices(): (() => Promise<void>)[] {
    const sessions = live()
    const verification = ledger.isVerified ? undefined : mailedToken(ledger.email, /verify/i)
    // A change of the password in between makes the token void.
    const last = ledger.acts.findLast(({ kind }) => kind === 'askForReset' || kind === 'changePassword')?.kind
    const isUsed = ledger.acts.some(({ kind }) => kind === 'reset')
    const resetToken = last === 'askForReset' && !isUsed ? mailedToken(ledger.email, /reset/i) : undefined
    return [
      logIn,
      ...sessions.flatMap((session) => [() => refresh(session), () => editProfile(session)]),
      ...(sessions.length > 2 ? [() => logOut(random.pick(sessions))] : []),
      ...(verification !== undefined ? Array(4).fill(() => verify(verification)) : []),
      // Beyond a few an hour, users whose address is not verified get no notices.
      ...(ledger.isVerified && sessions[0] ? [() => changePassword(random.pick(sessions))] : []),
      ...(ledger.isVerified && !ledger.isResetAsked ? [askForReset] : []),
      ...(resetToken !== undefined ? Array(6).fill(() => reset(resetToken)) : []),
    ]
  }

  return {
    ledger,
    complaints,
    async run() {
      await register()
      while (!isStopped) await random.pick(choices())()
      agent.destroy()
    },
    stop() {
      isStopped = true
    },
  }
}
