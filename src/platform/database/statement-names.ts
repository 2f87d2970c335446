import { createHash } from 'node:crypto'

const mostStatements = 500

const names = new Map<string, string>()

/**
 * Names a statement, so that PostgreSQL parses and plans it once per connection. By its text, as a pooler may share a
 * connection among instances. Undefined beyond a limit, as some texts grow with the number of values.
 */
export function statementName(sql: string): string | undefined {
  const known = names.get(sql)
  if (known !== undefined || names.size === mostStatements) return known
  const name = createHash('sha256').update(sql).digest('hex').slice(0, 32)
  names.set(sql, name)
  return name
}
