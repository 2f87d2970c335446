import { StartError } from '../../kernel/errors.ts'

/** What is taken of a user, and the columns in which Django services have it: the first that is there, unless another is named. */
const usualColumns = {
  id: [],
  uuid: ['uuid'],
  username: ['username'],
  email: ['email', 'email_address'],
  password: ['password'],
  first_name: ['first_name'],
  last_name: ['last_name'],
  display_name: ['display_name', 'full_name', 'name'],
  phone_number: ['phone_number', 'phone', 'mobile'],
  phone_number_verified: ['phone_number_verified', 'phone_verified'],
  timezone: ['timezone', 'time_zone'],
  is_active: ['is_active'],
  is_staff: ['is_staff'],
  is_superuser: ['is_superuser'],
  is_practitioner: ['is_practitioner'],
  last_login: ['last_login'],
  date_joined: ['date_joined', 'created_at'],
} as const

export type Field = keyof typeof usualColumns
const fieldNames = Object.keys(usualColumns) as readonly Field[]

/** Columns by the fields that an operator names them for, in place of the usual ones. */
export type Mapping = Readonly<Record<string, string>>

/** The column of each field that the source has. */
export type Columns = Readonly<Partial<Record<Field, string>>>

interface Table {
  readonly name: string
  readonly primaryKey: string
  readonly columns: readonly string[]
}

/** Throws a StartError when a column that is named or needed is not there. */
export function columnsOf({ name, primaryKey, columns }: Table, mapping: Mapping): Columns {
  const has = new Set(columns)
  const unknown = Object.keys(mapping).find((field) => !(field in usualColumns))
  if (unknown !== undefined) {
    throw new StartError(`--map ${unknown}=… names no field of a user: the fields are ${fieldNames.join(', ')}`)
  }
  const found: Partial<Record<Field, string>> = {}
  for (const field of fieldNames) {
    const named = mapping[field]
    if (named !== undefined && !has.has(named)) {
      throw new StartError(`${name} has no column ${named}: name another one with --map ${field}=COLUMN`)
    }
    const column =
      named ?? usualColumns[field].find((each) => has.has(each)) ?? (field === 'id' ? primaryKey : undefined)
    if (column !== undefined) found[field] = column
  }
  for (const field of ['id', 'email', 'password'] as const) {
    const column = found[field]
    if (column !== undefined && has.has(column)) continue
    throw new StartError(
      `${name} has no column for ${field}: name one with --map ${field}=COLUMN, or other users with --table`,
    )
  }
  return found
}
