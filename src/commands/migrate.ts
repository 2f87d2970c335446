import type { Command } from 'commander'
import type { MigrationRun } from '../platform/database/migrations.ts'
import type { JsonOption, Shell } from './shell.ts'
import { addQuery } from './shell.ts'

export function addMigrate(program: Command, { terminal, config, databaseUrl, interruption }: Shell): void {
  addQuery(program, 'migrate', {
    summary: 'bring the database up to date and end',
    examples: ['migrate --plan', 'migrate'],
  })
    .option('--plan', 'only list the migrations that are missing')
    .action(async ({ plan, json = false }: JsonOption & { plan?: boolean }) => {
      const { applyMigrations, planMigrations } = await import('../platform/database/migrations.ts')
      const run: MigrationRun = {
        url: await databaseUrl({ isMade: true }),
        onWait: ({ pid, application }) =>
          terminal.note(`Waiting: another connection holds the lock for migrations (process ${pid}, ${application})`),
        onApplied: (name) => !json && terminal.print(`applied ${name}`),
        delays: {
          limitMs: config().database.waitLimit * 1000,
          signal: interruption,
          onWait: ({ reason, limitMs }) =>
            terminal.note(
              `Waiting for the database, for ${limitMs / 1000} s at most, as DATABASE_WAIT says: ${reason}`,
            ),
        },
      }
      if (plan) {
        const pending = await planMigrations(run)
        return terminal.show({ json }, { pending }, () =>
          pending.length > 0 ? pending.map((name) => `pending ${name}`).join('\n') : 'The database is up to date.',
        )
      }
      const applied = await applyMigrations(run)
      terminal.show({ json }, { applied }, () => 'The database is up to date.')
    })
}
