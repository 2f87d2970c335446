import { runSql } from '../support/catalog.ts'
import { until } from '../support/process.ts'
import { startSmtpServer } from '../support/smtp-server.ts'

/** The mail server of a run, and what it holds against the outbox. */
export async function startMailbox() {
  const { smtp, received, stop } = await startSmtpServer()
  const idOf = (head: string) => /^Message-ID: <([^@>]+)@/im.exec(head)?.[1] ?? 'none'

  return {
    settings: {
      EMAIL_HOST: smtp.host,
      EMAIL_PORT: String(smtp.port),
      EMAIL_USE_TLS: 'off',
      DEFAULT_FROM_EMAIL: 'auth@example.com',
    },
    stop,
    tokenFor(email: string, subject: RegExp): string | undefined {
      const mail = received.findLast(
        ({ to, head }) => to[0] === email && subject.test(/^Subject: (.*)$/im.exec(head)?.[1] ?? ''),
      )
      return /token=([\w-]{43})/.exec(mail?.body ?? '')?.[1]
    },
    /** Lets the leases of killed workers end, and waits until nothing is queued. */
    async empty(databaseUrl: string): Promise<void> {
      await runSql(
        databaseUrl,
        `UPDATE outbox_mails SET leased_until = NULL, next_attempt_at = now() WHERE status = 'queued'`,
      )
      await until(async () => {
        const [row] = await runSql<{ queued: number }>(
          databaseUrl,
          `SELECT count(*)::integer AS queued FROM outbox_mails WHERE status = 'queued'`,
        )
        return row?.queued === 0
      }, 60_000)
    },
    /** Each mail that counts as sent has come, and no more often than a crash explains. */
    async check(databaseUrl: string, crashes: number): Promise<{ broken: string[]; sent: number; doubled: number }> {
      const rows = await runSql<{ id: string; status: string }>(databaseUrl, 'SELECT id, status FROM outbox_mails')
      const copies = new Map<string, number>()
      for (const { head } of received) copies.set(idOf(head), (copies.get(idOf(head)) ?? 0) + 1)
      const known = new Set(rows.map(({ id }) => id))
      const doubled = [...copies.values()].filter((count) => count > 1).length
      return {
        broken: [
          ...rows
            .filter(({ id, status }) => status === 'sent' && !copies.has(id))
            .map(({ id }) => `mail ${id} never came`),
          ...rows.filter(({ status }) => status === 'abandoned').map(({ id }) => `mail ${id} was abandoned`),
          ...[...copies.keys()].filter((id) => !known.has(id)).map((id) => `mail ${id} is of no change`),
          ...[...copies].filter(([, count]) => count > 1 + crashes).map(([id]) => `mail ${id} came too often`),
        ],
        sent: copies.size,
        doubled,
      }
    },
  }
}
