import type { DjangoSource, SourceBatch, SourceRow } from '../../kernel/django-source.ts'
import { StartError } from '../../kernel/errors.ts'
import { openFile } from './file.ts'
import { jsonObjects } from './json-objects.ts'

const rowsAtOnce = 5000

/** A file of `manage.py dumpdata`. The users are the objects of the model that is named, else those with a password and a last login. */
export async function openDumpSource(path: string, table: string | undefined): Promise<DjangoSource> {
  const file = await openFile(path)
  const name = `The file ${path}`

  async function* read(): AsyncIterable<SourceBatch> {
    const models = new Set<string>()
    const waiting: Record<SourceBatch['of'], SourceRow[]> = { users: [], addresses: [], tokens: [], blacklist: [] }
    for await (const object of jsonObjects(file.read(), name)) {
      const { model, pk, fields } = dumped(object, name)
      const kind = kindOf(model, fields, table)
      if (kind === undefined) continue
      if (kind === 'users') {
        models.add(model)
        if (models.size > 1)
          throw new StartError(`Several models may be that of users (${[...models].join(', ')}): name one with --table`)
        if (pk === undefined)
          throw new StartError(`${name} has users without their keys: dump them without --natural-primary`)
      }
      const rows = waiting[kind]
      rows.push({ ...fields, id: pk })
      if (rows.length < rowsAtOnce) continue
      yield { of: kind, primaryKey: 'id', rows: rows.splice(0) }
    }
    if (models.size === 0)
      throw new StartError(`${name} has no users: name the model of users with --table, such as accounts.user`)
    for (const kind of ['users', 'addresses', 'tokens', 'blacklist'] as const)
      yield { of: kind, primaryKey: 'id', rows: waiting[kind] }
  }

  return { users: name, read, portion: file.portion, close: file.close }
}

interface Dumped {
  readonly model: string
  readonly pk: unknown
  readonly fields: SourceRow
}

function dumped({ model, pk, fields }: Record<string, unknown>, name: string): Dumped {
  if (typeof model === 'string' && typeof fields === 'object' && fields !== null)
    return { model, pk, fields: fields as SourceRow }
  throw new StartError(`${name} has an object without model and fields: make it with manage.py dumpdata`)
}

function kindOf(model: string, fields: SourceRow, table: string | undefined): SourceBatch['of'] | undefined {
  if (model === 'account.emailaddress') return 'addresses'
  if (model === 'token_blacklist.outstandingtoken') return 'tokens'
  if (model === 'token_blacklist.blacklistedtoken') return 'blacklist'
  const isOfUsers =
    table === undefined ? 'password' in fields && 'last_login' in fields : tableOf(model) === tableOf(table)
  return isOfUsers ? 'users' : undefined
}

/** `accounts.user` and `accounts_user` mean the same. */
function tableOf(name: string): string {
  return name.toLowerCase().replace('.', '_')
}
