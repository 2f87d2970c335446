import { endpoints } from '../support/endpoints.ts'
import type { Exchanged } from '../support/exchange.ts'
import { exchange } from '../support/exchange.ts'
import type { TestServer } from '../support/server.ts'
import type { Call, Step } from './calls.ts'
import { plainCall, targetOf } from './calls.ts'
import { judgeAccess, judgeAnswer, judgeLog } from './oracles.ts'
import type { Outgoing } from './request.ts'
import { compose, composeVisit } from './request.ts'
import type { Store } from './store.ts'
import { refuseChange } from './store.ts'
import type { World } from './world.ts'
import { createWorld } from './world.ts'

const refusedLogins = ['Unable to log in with provided credentials.', 'E-mail is not verified.']

/** A refused login is a 401, for which dj-rest-auth has 400. */
function meaningOf({ status, body }: Exchanged): number {
  return refusedLogins.includes(body?.non_field_errors?.[0]) ? 401 : status
}

interface Tally {
  requests: number
  /** The endpoints that succeeded at least once. */
  readonly welcomed: Set<string>
  summary(): string
}

/** Runs steps one after the other in a world of their own, and checks every promise after each. */
export function createRunner(server: TestServer, store: Store) {
  const statuses = new Map<number, number>()
  const tally: Tally = {
    requests: 0,
    welcomed: new Set(),
    summary: () =>
      [...statuses]
        .sort(([a], [b]) => a - b)
        .map(([status, count]) => `${status}: ${count}`)
        .join(', '),
  }

  async function send(outgoing: Outgoing, world: World): Promise<Exchanged | undefined> {
    tally.requests += 1
    const answer = await exchange(server.url, outgoing.path, outgoing).catch((error: unknown) => {
      if (outgoing.mayBeCutOff && isBrokenConnection(error)) return undefined
      throw error
    })
    const lines = server.logged.splice(0)
    judgeLog(lines, world.secrets())
    if (!answer) return undefined
    statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
    judgeAnswer(answer)
    return answer
  }

  async function call(planned: Call, world: World): Promise<Exchanged | undefined> {
    const target = targetOf(planned)
    const outgoing = await compose(planned, world)
    const before = planned.watched ? await store.moment() : undefined
    const answer = await send(outgoing, world)
    if (!answer) return undefined
    if (before && answer.status >= 400) refuseChange(before, await store.moment(), meaningOf(answer))
    const isPage = String(answer.headers['content-type']).startsWith('text/html')
    if (answer.status < 400 && !isPage) {
      judgeAccess(target.access, outgoing, world.wasIssued)
      tally.welcomed.add(planned.target)
    }
    world.learn(planned, answer)
    return answer
  }

  async function take(step: Step, world: World): Promise<void> {
    if ('pass' in step) {
      // Mails that are not sent expire, and the log says so.
      await world.readMails()
      server.pass(step.pass)
    } else if ('visit' in step) await send(await composeVisit(step, world), world)
    else await call(step, world)
  }

  return {
    tally,
    async run(steps: readonly Step[]): Promise<void> {
      server.logged.splice(0)
      await store.empty()
      const world = createWorld(server, (await server.mails()).length)
      for (const step of beginning) {
        const answer = await call(step, world)
        if (answer?.status !== 200 && answer?.status !== 201) throw new Error(`${step.target}: ${answer?.text}`)
      }
      for (const step of steps) {
        await take(step, world).catch((error: unknown) => {
          throw new Error(`${described(step)}: ${error instanceof Error ? error.message : error}`, { cause: error })
        })
      }
      await world.readMails()
      judgeLog(server.logged.splice(0), world.secrets())
      await store.judge(server.now(), world.secrets())
    },
  }
}

/** A verified user with a session and a mailed reset token, and a user who has just registered. */
const beginning: readonly Call[] = [
  ...['register', 'verifyEmail', 'logIn', 'forgotPassword'].map((name) => beginningWith(name, 0)),
  beginningWith('register', 1),
]

function beginningWith(name: string, who: number): Call {
  const target = endpoints.find((endpoint) => endpoint.name === name)
  if (!target) throw new Error(`our own API has no endpoint ${name}`)
  return plainCall(target, who)
}

function described(step: Step): string {
  return 'target' in step ? step.target : JSON.stringify(step)
}

function isBrokenConnection(error: unknown): boolean {
  const { code = '' } = error as NodeJS.ErrnoException
  return ['ECONNRESET', 'EPIPE', 'ECONNABORTED'].includes(code)
}
