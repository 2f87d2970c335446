import { randomBytes } from 'node:crypto'
import type { Command } from 'commander'
import type { JsonOption, Shell } from './shell.ts'
import { addCommand, addQuery } from './shell.ts'

export function addKeyCommands(program: Command, { terminal, completeConfig }: Shell): void {
  const keys = addCommand(program, 'keys', {
    summary: 'show the key that other services need, or make a new one',
    examples: ['keys show', 'keys new'],
  })

  addQuery(keys, 'show', {
    summary:
      'print the keys that verify access tokens, one a line, the one that signs first: for services that verify them',
    examples: ['keys show'],
  }).action(async (options: JsonOption) => {
    const { accessTokenKeys } = await completeConfig()
    terminal.show(options, { access_token_keys: accessTokenKeys }, () => accessTokenKeys.join('\n'))
  })

  addQuery(keys, 'new', {
    summary: 'print a new random key, and change nothing',
    examples: ['keys new'],
  }).action((options: JsonOption) => {
    const key = randomBytes(48).toString('base64url')
    terminal.show(options, { key }, () => key)
    terminal.note(
      'For SECRET_KEY, ACCESS_TOKEN_KEY or PASSWORD_PEPPER. Put it in front of the present value with a comma, restart all instances, and remove the old one when nothing that it signed is valid any more.',
    )
  })
}
