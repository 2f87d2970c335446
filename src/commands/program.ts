import { Command } from 'commander'
import { readVersion } from '../kernel/version.ts'
import { addCreateSuperuser } from './create-user.ts'
import { addDoctor } from './doctor.ts'
import { addEventCommands } from './events.ts'
import { addImportCommands } from './import.ts'
import { addKeyCommands } from './keys.ts'
import { addMailCommands } from './mails.ts'
import { addMigrate } from './migrate.ts'
import { addOpenapi } from './openapi.ts'
import { addSessionCommands } from './sessions.ts'
import type { Shell } from './shell.ts'
import { addCommand } from './shell.ts'
import { addUserCommands } from './users.ts'

/** All commands. */
export function createProgram(shell: Shell): Command {
  const program = new Command('auth-server')
    .description('An authentication server, and the commands of its operators.')
    .version(readVersion(), '--version', 'show the version')
    .helpOption('-h, --help', 'explain the command')
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(asSentence(text)) })
    .addHelpText(
      'after',
      `
The settings are environment variables or lines of a file .env; .env.example lists them all. A command ends with 0 when it is done, with
2 when it refuses and has changed nothing, with 3 when it is done but for a part that it has named, and with 1 when something fails that
nothing foresaw.`,
    )
  // main.ts runs it without any of this.
  addCommand(program, 'serve', { summary: 'run the server (when no command is given)', examples: ['serve'] })
  addMigrate(program, shell)
  addDoctor(program, shell)
  addUserCommands(program, shell)
  addCreateSuperuser(program, shell)
  addSessionCommands(program, shell)
  addMailCommands(program, shell)
  addEventCommands(program, shell)
  addImportCommands(program, shell)
  addKeyCommands(program, shell)
  addOpenapi(program, shell)
  return program
}

/** Commander's complaint, with the remedy. */
function asSentence(complaint: string): string {
  const text = complaint
    .trim()
    .replace(/^error: (.)/, (_, first: string) => first.toUpperCase())
    .replace(/\n/g, ' ')
  return `${text.replace(/\.?$/, '.')} Add --help to see how it is called\n`
}
