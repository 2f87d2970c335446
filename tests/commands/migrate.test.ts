import { runSql } from '../support/catalog.ts'
import { runCommand } from '../support/command.ts'
import { emptyDatabase } from '../support/database.ts'

const tables = (url: string) => runSql(url, `SELECT tablename FROM pg_tables WHERE schemaname = 'public'`)

it('lists what is missing with --plan and changes nothing, applies it, and finds nothing to do then', async () => {
  const DATABASE_URL = await emptyDatabase()
  const plan = await runCommand({ DATABASE_URL }, ['migrate', '--plan'])
  expect(plan).toEqual({ code: 0, stdout: expect.stringMatching(/^(pending \d{14}_\w+\n)+$/), stderr: '' })
  expect(await tables(DATABASE_URL)).toEqual([])

  const first = await runCommand({ DATABASE_URL }, ['migrate'])
  expect(first.stdout).toBe(`${plan.stdout.replaceAll('pending', 'applied')}The database is up to date.\n`)
  const second = await runCommand({ DATABASE_URL }, ['migrate'])
  expect(second).toEqual({ code: 0, stdout: 'The database is up to date.\n', stderr: '' })
  expect((await runCommand({ DATABASE_URL }, ['migrate', '--plan', '--json'])).stdout).toBe('{"pending":[]}\n')
  expect((await runCommand({ DATABASE_URL }, ['migrate', '--json'])).stdout).toBe('{"applied":[]}\n')
})
