import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { selfSigned } from '../support/certificate.ts'
import { freshDatabase } from '../support/database.ts'
import { exchange } from '../support/exchange.ts'
import { randomUser } from '../support/fixtures.ts'
import { endProcesses, givenFolder, processKey, startProcess, until } from '../support/process.ts'
import { startSmtpServer } from '../support/smtp-server.ts'

afterEach(endProcesses)

it('mails through a server that speaks TLS from the first byte, under an authority of its own and by a full name', async () => {
  const { smtp, received, stop } = await startSmtpServer({ options: { secure: true, ...selfSigned } })
  const caFile = join(await givenFolder(), 'ca.pem')
  await writeFile(caFile, selfSigned.cert)
  const url = await startProcess({
    ...processKey,
    DATABASE_URL: await freshDatabase(),
    PUBLIC_URL: 'https://auth.example.com',
    EMAIL_HOST: smtp.host,
    EMAIL_PORT: String(smtp.port),
    EMAIL_USE_SSL: 'on',
    EMAIL_CA_FILE: caFile,
    DEFAULT_FROM_EMAIL: 'auth@example.com',
  }).ready
  const credentials = randomUser()
  const registered = await exchange(url, '/api/v1/auth/register_credentials', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(credentials),
  })
  expect(registered.status).toBe(201)
  await until(async () => received.length > 0)
  await stop()
  expect(received).toMatchObject([{ to: [credentials.email], secure: true, clientName: 'auth.example.com' }])
})
