import type { Command } from 'commander'
import { sessionFields } from '../features/session/index.ts'
import { StartError } from '../kernel/errors.ts'
import { limitOption } from './numbers.ts'
import type { ChangeOptions, JsonOption, Shell } from './shell.ts'
import { addChange, addCommand, addQuery } from './shell.ts'
import { asTable, printable } from './text.ts'
import { findUser, isUuid } from './user-reference.ts'

export function addSessionCommands(program: Command, shell: Shell): void {
  const { terminal } = shell
  const sessions = addCommand(program, 'sessions', {
    summary: 'look at the sessions of a user and end them',
    examples: ['sessions list ada', 'sessions revoke --user ada'],
  })

  addQuery(sessions, 'list <user>', {
    summary: 'list the live sessions of a user, the newest first',
    examples: ['sessions list ada', 'sessions list id:42 --json'],
  })
    .option(...limitOption())
    .action(async (reference: string, { limit, ...options }: JsonOption & { limit: number }) => {
      const services = await shell.services()
      const user = await findUser(services, reference)
      const { sessions: found, total } = await services.operations.listSessions(user, limit)
      const shown = found.map(sessionFields)
      terminal.show(options, { sessions: shown, total }, () =>
        asTable(
          ['ID', 'OPENED', 'LAST USED', 'LAST ADDRESS', 'USER AGENT'],
          shown.map(({ id, created_at, last_used_at, last_ip, user_agent }) => [
            id,
            created_at,
            last_used_at,
            last_ip,
            user_agent,
          ]),
          'The user has no live session.',
        ),
      )
      if (total > shown.length) terminal.note(`${shown.length} of ${total} sessions: add --limit to see more`)
    })

  addChange(sessions, 'revoke [session]', {
    summary: 'end a session, or all sessions of a user; their tokens are refused at the next request',
    examples: ['sessions revoke 0198c5f0-5c1e-4b3e-9b0e-3f2a8f7d2a11', 'sessions revoke --user ada'],
  })
    .option('--user <user>', 'end all sessions of this user')
    .action(async (id: string | undefined, { user: reference, ...options }: ChangeOptions & { user?: string }) => {
      if ((id === undefined) === (reference === undefined)) {
        throw new StartError('Name one session, or --user and one user; auth-server sessions list shows sessions')
      }
      const services = await shell.services()
      const operator = await shell.operator(options)
      if (reference !== undefined) {
        const user = await findUser(services, reference)
        const count = await services.operations.endSessions(user, operator)
        return terminal.show(
          options,
          { ended: count },
          () => `${printable(user.username)}: ${count} sessions have ended.`,
        )
      }
      const isEnded = isUuid(id ?? '') && (await services.operations.endSession(id ?? '', operator))
      if (!isEnded)
        throw new StartError(`There is no live session ${printable(id ?? '')}: see auth-server sessions list`)
      terminal.show(options, { ended: 1 }, () => 'The session has ended.')
    })
}
