import { createOutbox } from '../../src/features/mail/index.ts'
import { passwordChanged } from '../../src/features/password/mail-templates.ts'
import { createCipher, deriveKeys } from '../../src/kernel/secrets.ts'
import { connectDatabase } from '../../src/platform/database/database.ts'
import { patientLimits } from './database.ts'

/** Queues so many notices for each address, in turn, for servers with this key to send; `from` tells their order. */
export async function givenNotices(
  databaseUrl: string,
  secretKey: string,
  addresses: readonly string[],
  each: number,
): Promise<void> {
  const database = connectDatabase({ url: databaseUrl, poolSize: 4, ...patientLimits })
  const cipher = createCipher(deriveKeys([secretKey], 'outbox'))
  const clock = { now: () => new Date() }
  await database.transaction(async (tx) => {
    const outbox = createOutbox({ db: tx, afterCommit: () => undefined, clock, cipher, wakeWorker: () => undefined })
    for (let number = 0; number < each; number += 1) {
      for (const address of addresses)
        await outbox.enqueue(passwordChanged, address, { at: 'noon', ip: `number ${number}.` })
    }
  })
  await database.close()
}
