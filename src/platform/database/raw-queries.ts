import type { ClientBase, CustomTypesConfig, Pool, QueryResult } from 'pg'
import { types } from 'pg'
import { Prisma } from '../../generated/prisma/client.ts'
import type { Db } from '../../kernel/db.ts'
import { parseInstant } from './instants.ts'

type RawQueries = Pick<Db, '$queryRaw' | '$executeRaw'>

/**
 * Raw statements outside of transactions, sent by `pg` through the pool that Prisma uses: on the same connections, with the same
 * names of prepared statements, repetitions and limits. It gains two thirds of what Prisma's client takes for a statement, and what
 * every request does is such a statement. It costs a second place where values are read: see `parsers`.
 */
export function createRawQueries(pool: Pool | ClientBase): RawQueries {
  function send(query: TemplateStringsArray | Prisma.Sql, values: unknown[]): Promise<QueryResult> {
    const statement = query instanceof Prisma.Sql ? query : statementOf(query, values)
    return pool.query({ text: statement.text, values: statement.values, types: parsers })
  }

  return {
    $queryRaw: async (query: TemplateStringsArray | Prisma.Sql, ...values: unknown[]) =>
      (await send(query, values)).rows,
    $executeRaw: async (query: TemplateStringsArray | Prisma.Sql, ...values: unknown[]) =>
      (await send(query, values)).rowCount ?? 0,
  } as unknown as RawQueries
}

interface Statement {
  readonly text: string
  readonly values: unknown[]
}

/** The texts of templates without parts, each put together once. */
const texts = new WeakMap<TemplateStringsArray, string>()

function statementOf(template: TemplateStringsArray, values: unknown[]): Statement {
  if (values.some((value) => value instanceof Prisma.Sql)) return Prisma.sql(template, ...values)
  const text = texts.get(template) ?? Prisma.sql(template, ...values).text
  texts.set(template, text)
  return { text, values }
}

/** As Prisma reads them. */
const readers: Readonly<Record<number, (text: string) => unknown>> = {
  [types.builtins.TIMESTAMPTZ]: parseInstant,
  [types.builtins.INT8]: BigInt,
}

const parsers: CustomTypesConfig = {
  getTypeParser: (type, format) => (format !== 'binary' && readers[type]) || types.getTypeParser(type, format),
}
