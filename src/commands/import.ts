import type { Command } from 'commander'
import { InvalidArgumentError, Option } from 'commander'
import { StartError } from '../kernel/errors.ts'
import { followDjango } from './import-follow.ts'
import type { ImportCommandOptions } from './import-run.ts'
import { importAll } from './import-run.ts'
import { seconds } from './numbers.ts'
import type { Shell } from './shell.ts'
import { addChange, addCommand } from './shell.ts'

const from = '--from postgresql://user@host/database'

export function addImportCommands(program: Command, shell: Shell): void {
  const imports = addCommand(program, 'import', {
    summary: 'take users over from another service',
    examples: [`import django ${from} --dry-run`],
  })

  addChange(imports, 'django', {
    summary: 'take over the users of a Django service, with their ids and passwords: all of it happens, or nothing',
    examples: [
      `import django ${from} --dry-run`,
      'import django --from dump.json --on-conflict skip',
      `import django ${from} --on-conflict rename --report left-out.csv`,
      `import django ${from} --on-conflict skip --follow --every 10s`,
    ],
  })
    .option(
      '--from <source>',
      'the PostgreSQL database of Django, a .json file of manage.py dumpdata, or a .csv file (default: DJANGO_DATABASE_URL, so that no password stands in the list of processes)',
    )
    .option('--table <name>', 'the table or model of users (default: the one with the columns password and last_login)')
    .option('--map <field=column>', 'the column of a field, such as email=mail; can be repeated', mapped, {})
    .option('--mapping <file>', 'a JSON file with the columns of fields, such as {"email": "mail"}')
    .option('--verified <rule>', 'whose address counts as verified: active, allauth, all, none, or a column that tells')
    .addOption(
      new Option(
        '--on-conflict <how>',
        'fail: take nothing; skip: leave users out; rename: give usernames another ending',
      )
        .choices(['fail', 'skip', 'rename'])
        .default('fail'),
    )
    .addOption(
      new Option(
        '--missing-email <how>',
        'leave users without an address out, or give them one that no mail is sent to',
      ).choices(['skip', 'placeholder']),
    )
    .addOption(new Option('--dry-run', 'only say what would happen').conflicts('follow'))
    .option('--follow', 'go on until Ctrl-C, and take what changes in the database')
    .option('--every <duration>', 'how often to look for changes', roundInterval, 5)
    .option('--report <file>', 'write all users who are not taken as they are, and why, as CSV')
    .action((options: ImportCommandOptions) => importDjango(shell, options))
}

async function importDjango(shell: Shell, options: ImportCommandOptions): Promise<void> {
  const { name, table } = sourceOf(shell, options)
  if (options.follow) return followDjango(shell, options, { url: name, table })
  const { openDjangoSource } = await import('../platform/django-sources/open.ts')
  const { counts } = await importAll(shell, options, () => openDjangoSource(name, { table }))
  if (counts.leftOut > 0) shell.leavesSomeOut()
}

function sourceOf(shell: Shell, { from, table }: ImportCommandOptions) {
  if (from !== undefined) return { name: from, table }
  const { databaseUrl, userTable } = shell.config().djangoTokens
  if (databaseUrl === undefined)
    throw new StartError('Name the source of the users with --from, or set DJANGO_DATABASE_URL')
  return { name: databaseUrl, table: table ?? userTable }
}

function mapped(text: string, earlier: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const [, field, column] = /^(\w+)=(.+)$/s.exec(text) ?? []
  if (field === undefined || column === undefined) throw new InvalidArgumentError('It must be FIELD=COLUMN.')
  return { ...earlier, [field]: column }
}

function roundInterval(text: string): number {
  const interval = seconds(text)
  if (interval >= 1 && interval <= 86_400) return interval
  throw new InvalidArgumentError('It must be a duration from 1s to 1d.')
}
