import type { Command } from 'commander'
import { StartError } from '../kernel/errors.ts'
import { addCreateUser } from './create-user.ts'
import { limitOption, wholeNumber } from './numbers.ts'
import { readNewPassword } from './password.ts'
import type { ChangeOptions, JsonOption, Shell } from './shell.ts'
import { addChange, addCommand, addQuery } from './shell.ts'
import { asList, asTable, printable } from './text.ts'
import { findUser } from './user-reference.ts'

export function addUserCommands(program: Command, shell: Shell): void {
  const users = addCommand(program, 'users', {
    summary: 'look at users and change them',
    examples: ['users list', 'users show ada', 'users disable ada@example.com'],
  })
  const { terminal } = shell

  addCreateUser(users, shell)

  addQuery(users, 'list', {
    summary: 'list users, the newest first',
    examples: ['users list', 'users list --limit 200 --before 4711', 'users list --json'],
  })
    .option(...limitOption())
    .option('--before <id>', 'only users whose id is lower, to see the next page', wholeNumber(1, largestId))
    .action(async ({ limit, before, json }: JsonOption & { limit: number; before?: number }) => {
      const { administration, users: profiles } = await shell.services()
      const { policy } = await shell.operator({})
      const found = (await administration.list({ before, limit })).map((user) => profiles.present(user, policy))
      terminal.show({ json: json === true }, found, () =>
        asTable(
          ['ID', 'USERNAME', 'ADDRESS', 'VERIFIED', 'STATUS', 'ROLES', 'LAST LOGIN'],
          found.map((user) => [
            user.id,
            user.username,
            user.email,
            user.email_verified,
            user.account_status,
            rolesOf(user),
            user.last_login,
          ]),
          'There are no users.',
        ),
      )
    })

  addQuery(users, 'show <user>', {
    summary: 'show a user',
    examples: ['users show ada', 'users show id:42 --json'],
  }).action(async (reference: string, options: JsonOption) => {
    const services = await shell.services()
    const user = await findUser(services, reference)
    const shown = services.users.present(user, (await shell.operator({})).policy)
    terminal.show(options, shown, () => asList(shown))
  })

  addChange(users, 'disable <user>', {
    summary: 'keep a user out: all sessions end at once, and no login succeeds',
    examples: ['users disable ada', 'users disable id:42 --as grace'],
  }).action(async (reference: string, options: ChangeOptions) => {
    const { administration, user, operator } = await open(reference, options)
    const changed = await administration.disable(user, operator)
    tell(options, user, { changed }, changed ? 'is disabled, and all sessions have ended' : 'was disabled already')
  })

  addChange(users, 'enable <user>', {
    summary: 'let a user who was disabled log in again',
    examples: ['users enable ada'],
  }).action(async (reference: string, options: ChangeOptions) => {
    const { administration, user, operator } = await open(reference, options)
    const changed = await administration.enable(user, operator)
    tell(options, user, { changed }, changed ? 'can log in again' : 'was not disabled')
  })

  addChange(users, 'promote <user>', {
    summary: 'give roles to a user, or take them away; it counts at the next request',
    examples: ['users promote ada --superuser', 'users promote ada --staff --no-superuser'],
  })
    .option('--superuser', 'make the user a superuser, who is staff too')
    .option('--no-superuser', 'take that role away')
    .option('--staff', 'make the user staff')
    .option('--no-staff', 'take that role away')
    .option('--practitioner', 'make the user a practitioner')
    .option('--no-practitioner', 'take that role away')
    .action(async (reference: string, options: ChangeOptions & RoleOptions) => {
      const { superuser, practitioner, staff = superuser || undefined } = options
      const roles = {
        ...(staff !== undefined && { isStaff: staff }),
        ...(superuser !== undefined && { isSuperuser: superuser }),
        ...(practitioner !== undefined && { isPractitioner: practitioner }),
      }
      if (Object.keys(roles).length === 0) {
        throw new StartError(
          'Name a role: --superuser, --staff or --practitioner, or one to take away such as --no-staff',
        )
      }
      const { administration, services, user, operator } = await open(reference, options)
      const shown = services.users.present(await administration.setRoles(user, roles, operator), operator.policy)
      tell(options, user, { changed: true, roles: rolesOf(shown) }, `has these roles now: ${rolesOf(shown) || 'none'}`)
    })

  addChange(users, 'reset-password <user>', {
    summary: 'mail a link that sets a new password; or set one yourself, which ends all sessions',
    examples: [
      'users reset-password ada',
      'users reset-password ada --set',
      'users reset-password ada --password-stdin < file',
    ],
  })
    .option('--set', 'ask for the new password here')
    .option('--password-stdin', 'read the new password from standard input')
    .action(async (reference: string, options: ChangeOptions & { set?: boolean; passwordStdin?: boolean }) => {
      const { services, user, operator } = await open(reference, options)
      if (!options.set && !options.passwordStdin) {
        if (user.disabledAt) throw new StartError(`${named(user)} is disabled: enable the user first`)
        await services.passwords.mailReset(user, operator)
        return tell(options, user, { changed: true, mailed: true }, `is sent a reset link to ${printable(user.email)}`)
      }
      const password = await readNewPassword(terminal, options)
      await services.passwords.set(user, password, operator)
      tell(options, user, { changed: true, mailed: false }, 'has the new password, and all sessions have ended')
    })

  addChange(users, 'delete <user>', {
    summary: 'delete a user for ever, with the sessions and the password; the audit trail stays',
    examples: ['users delete ada', 'users delete id:42 --yes'],
  })
    .option('--yes', 'do not ask')
    .action(async (reference: string, options: ChangeOptions & { yes?: boolean }) => {
      const { administration, user, operator } = await open(reference, options)
      if (!options.yes) await confirm(named(user))
      const changed = await administration.delete(user, operator)
      tell(options, user, { changed }, changed ? 'is deleted' : 'was deleted already')
    })

  async function open(reference: string, options: ChangeOptions) {
    const operator = await shell.operator(options)
    const services = await shell.services()
    const user = await findUser(services, reference)
    return { services, administration: services.administration, user, operator }
  }

  function tell(options: JsonOption, user: Named, outcome: object, text: string): void {
    terminal.show(options, { id: user.id, username: user.username, ...outcome }, () => `${named(user)} ${text}.`)
  }

  async function confirm(name: string): Promise<void> {
    if (!terminal.isInteractive) throw new StartError('There is no terminal to ask on: add --yes to delete the user')
    const answer = await terminal.ask(`Delete ${name} for ever? Type yes: `)
    if (answer.trim() !== 'yes') throw new StartError('Nothing was deleted, as the answer was not yes')
  }
}

interface RoleOptions {
  readonly superuser?: boolean
  readonly staff?: boolean
  readonly practitioner?: boolean
}

interface Named {
  readonly id: number
  readonly username: string
}

function named({ id, username }: Named): string {
  return `${printable(username)} (id:${id})`
}

function rolesOf(user: { is_superuser: boolean; is_staff: boolean; is_practitioner: boolean }): string {
  const roles = { superuser: user.is_superuser, staff: user.is_staff, practitioner: user.is_practitioner }
  return Object.entries(roles)
    .filter(([, has]) => has)
    .map(([role]) => role)
    .join(' ')
}

const largestId = Number.MAX_SAFE_INTEGER
