import type { Db } from '../../kernel/db.ts'
import type { Ports } from '../../kernel/ports.ts'
import type { Secrets } from '../../kernel/secrets.ts'
import { createCipher, deriveKeys } from '../../kernel/secrets.ts'
import { createMailbox } from './development-mailbox.ts'
import { createMailStates } from './states.ts'
import type { MailTemplate } from './template.ts'
import { createMailWorker } from './worker.ts'

interface Needs {
  readonly ports: Pick<Ports, 'clock' | 'logger' | 'meter' | 'mailer'> & { readonly db: Db }
  readonly secretKeys: Secrets
  /** All templates of all features. */
  readonly templates: readonly MailTemplate<never>[]
}

/** The cipher of the outbox and the worker that sends its mails. */
export function createMail({ ports: { db, clock, logger, meter, mailer }, secretKeys, templates }: Needs) {
  const cipher = createCipher(deriveKeys(secretKeys, 'outbox'))
  const mailbox = createMailbox({ db, clock })
  const worker = createMailWorker({ db, clock, logger, meter, cipher, mailer: mailer ?? mailbox, templates })
  return { cipher, worker, mailbox: mailer ? undefined : mailbox, mailStates: createMailStates({ db, clock }) }
}
