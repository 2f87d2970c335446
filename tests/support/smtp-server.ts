import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { SMTPServerOptions } from 'smtp-server'
import { SMTPServer } from 'smtp-server'

interface ReceivedMail {
  readonly from: string
  readonly to: readonly string[]
  readonly secure: boolean
  /** The name of the client in EHLO. */
  readonly clientName: string
  /** Headers, unfolded. */
  readonly head: string
  /** All parts, quoted-printable decoded. */
  readonly body: string
}

/** The server's reply to a recipient or a mail, such as `450 Try later`; undefined to accept. */
type Verdict = (address: string) => string | undefined

/** The settings for a mail server without encryption and login. */
export const plain = {
  host: '127.0.0.1',
  useSsl: false,
  useTls: false,
  ca: undefined,
  ehloName: undefined,
  user: undefined,
  password: undefined,
}

/** A real SMTP server on the loopback address. */
export async function startSmtpServer({
  onRecipient = () => undefined,
  onMail = () => undefined,
  options = {},
}: {
  onRecipient?: Verdict
  onMail?: Verdict
  options?: SMTPServerOptions
} = {}) {
  const received: ReceivedMail[] = []
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    disableReverseLookup: true,
    // With a logger it warns of its built-in certificate, which is enough for these tests.
    logger: false,
    onRcptTo: ({ address }, _session, callback) => callback(refusal(onRecipient(address))),
    onData(stream, { envelope, secure, hostNameAppearsAs: clientName }, callback) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const to = envelope.rcptTo.map(({ address }) => address)
        const error = refusal(onMail(to[0] ?? ''))
        const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address
        if (!error) received.push({ from, to, secure, clientName, ...parse(Buffer.concat(chunks).toString()) })
        callback(error)
      })
    },
    ...options,
  })
  server.on('error', () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  const { port } = server.server.address() as AddressInfo
  return {
    received,
    smtp: { ...plain, port },
    stop: () => new Promise<void>((resolve) => server.close(resolve)),
  }
}

/** The settings of a server that sends its mails there, without encryption. */
export function settingsFor({ host, port }: { readonly host: string; readonly port: number }) {
  return {
    EMAIL_HOST: host,
    EMAIL_PORT: String(port),
    EMAIL_USE_TLS: 'off',
    DEFAULT_FROM_EMAIL: 'auth@example.com',
  }
}

function refusal(reply: string | undefined): Error | null {
  return reply === undefined
    ? null
    : Object.assign(new Error(reply.replace(/^\d+ /, '')), { responseCode: Number.parseInt(reply, 10) })
}

function parse(raw: string): { head: string; body: string } {
  const end = raw.indexOf('\r\n\r\n')
  return {
    head: raw.slice(0, end).replace(/\r\n[ \t]+/g, ' '),
    body: raw
      .slice(end)
      .replace(/=\r\n/g, '')
      .replace(/=([0-9A-F]{2})/g, (_match, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
  }
}
