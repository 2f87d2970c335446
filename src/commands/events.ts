import { setTimeout as delay } from 'node:timers/promises'
import type { Command } from 'commander'
import type { RecordedEvent } from '../kernel/events.ts'
import { secondsAfter } from '../kernel/time.ts'
import { limitOption, seconds } from './numbers.ts'
import type { JsonOption, Shell } from './shell.ts'
import { addCommand, addQuery } from './shell.ts'
import { printable } from './text.ts'
import { findUser } from './user-reference.ts'

/** An event shows when its transaction ends, up to so many seconds after the instant that it carries. */
const latestCommitSeconds = 15
const pollMs = 1000
const mostFollowed = 10_000

type Options = JsonOption & { readonly user?: string }

export function addEventCommands(program: Command, shell: Shell): void {
  const { terminal } = shell
  const events = addCommand(program, 'events', {
    summary: 'look at the audit trail',
    examples: ['events list --user ada --since 7d', 'events follow --json'],
  })
  const userOption = ['--user <user>', 'only events of this user'] as const

  addQuery(events, 'list', {
    summary: 'list events, the newest last',
    examples: ['events list', 'events list --user ada --since 30d --limit 200', 'events list --json'],
  })
    .option(...userOption)
    .option('--since <duration>', 'how far to look back, such as 15m, 12h or 7d', seconds, 86_400)
    .option(...limitOption(mostFollowed))
    .action(async ({ since, limit, ...options }: Options & { since: number; limit: number }) => {
      const { listEvents, userId, now } = await open(options)
      const found = await listEvents({ since: secondsAfter(now(), -since), userId, limit })
      terminal.show(options, found.map(shownEvent), () => found.map(asLine).join('\n') || 'There are no such events.')
    })

  addQuery(events, 'follow', {
    summary: 'print events as they happen, until Ctrl-C; with --json one JSON object a line',
    examples: ['events follow', 'events follow --user ada --json'],
  })
    .option(...userOption)
    .action(async (options: Options) => {
      shell.endsByInterruption()
      const { listEvents, userId, now } = await open(options)
      let since = now()
      let seen = new Set<string>()
      while (!shell.interruption.aborted) {
        const found = await listEvents({ since, userId, limit: mostFollowed })
        for (const event of found) {
          if (!seen.has(event.id)) terminal.show(options, shownEvent(event), () => asLine(event))
        }
        seen = new Set(found.map(({ id }) => id))
        const settled = secondsAfter(now(), -latestCommitSeconds)
        if (settled > since) since = settled
        await delay(pollMs, undefined, { signal: shell.interruption }).catch(() => undefined)
      }
    })

  async function open({ user }: Options) {
    const services = await shell.services()
    const { listEvents, now } = services.operations
    return { listEvents, now, userId: user === undefined ? undefined : (await findUser(services, user)).id }
  }
}

function shownEvent({ id, type, at, userId, sessionId, ip, userAgent, requestId, details }: RecordedEvent) {
  return {
    id,
    at: at.toISOString(),
    type,
    user_id: userId,
    session_id: sessionId,
    ip,
    user_agent: userAgent,
    request_id: requestId,
    details,
  }
}

function asLine({ at, type, userId, ip, details }: RecordedEvent): string {
  const more = Object.entries((details ?? {}) as Record<string, unknown>).map(([name, value]) => `${name}=${value}`)
  return printable([at.toISOString(), type, ...(userId ? [`id:${userId}`] : []), ip ?? '-', ...more].join('  '))
}
