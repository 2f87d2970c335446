import { z } from 'zod'
import { readDatabaseTls } from './database-tls.ts'
import type { SettingType } from './setting.ts'
import { settingType } from './setting-types.ts'

const address = settingType('like postgresql://user:password@host:5432/database', (text) => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  return url && /^postgres(ql)?:$/.test(url.protocol) && url.pathname.length > 1 ? text : undefined
})

/** The address of a database, with TLS as for `psql`. */
export const postgresUrl: SettingType<string> = address
  .pipe(
    z.string().superRefine((text, context) => {
      try {
        readDatabaseTls(text)
      } catch (error) {
        context.addIssue((error as Error).message)
      }
    }),
  )
  .describe(address.description ?? '')
