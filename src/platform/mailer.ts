import nodemailer from 'nodemailer'
import type { Mailer, SmtpSettings } from '../kernel/ports.ts'
import { MailContentsRefused, MailRefused } from '../kernel/ports.ts'
import type { SmtpFailure } from './smtp-replies.ts'
import { refusesContents, refusesRecipient } from './smtp-replies.ts'

/** In milliseconds. `total` bounds a mail whose server keeps the others alive by answering a byte at a time. */
export interface SmtpTimeouts {
  readonly connect: number
  readonly greeting: number
  readonly socket: number
  readonly total: number
}

export interface SmtpMailer extends Mailer {
  /** Closes the connections of the mails in flight. */
  close(): void
  /** Connects, with TLS and the login as for a mail, and sends nothing. Throws what is wrong. */
  verify(): Promise<void>
}

const usualTimeouts: SmtpTimeouts = { connect: 5_000, greeting: 5_000, socket: 10_000, total: 25_000 }

/** Hands mails to an SMTP server, each over a connection of its own. */
export function createSmtpMailer({
  smtp: { host, port, useSsl, useTls, ca, ehloName, user, password },
  from,
  timeouts = usualTimeouts,
}: {
  smtp: SmtpSettings
  /** `auth@example.com` or `Example <auth@example.com>` */
  from: string
  timeouts?: SmtpTimeouts
}): SmtpMailer {
  const transport = nodemailer.createTransport({
    host,
    port,
    secure: useSsl,
    requireTLS: useTls && !useSsl,
    // Where TLS is not demanded but offered, encryption with an unknown server is still better than none (RFC 7435).
    tls: { rejectUnauthorized: useTls || useSsl, ...(ca !== undefined && { ca }) },
    ...(ehloName !== undefined && { name: ehloName }),
    ...(user !== undefined && password !== undefined ? { auth: { user, pass: password } } : {}),
    dnsTimeout: timeouts.connect,
    connectionTimeout: timeouts.connect,
    greetingTimeout: timeouts.greeting,
    socketTimeout: timeouts.socket,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  const sender = readSender(from)
  const senderDomain = sender.address.slice(sender.address.lastIndexOf('@') + 1)
  const closing = new AbortController()

  return {
    async send({ id, recipient, subject, text, html }) {
      if (!isOneAddress(recipient)) throw new MailRefused('the recipient is not one plain address')
      try {
        await transport.sendMail({
          // As objects, because nodemailer parses a string as a list and mails every address on it.
          from: sender,
          to: { name: '', address: recipient },
          envelope: { from: sender.address, to: { name: '', address: recipient } },
          messageId: `<${id}@${senderDomain}>`,
          subject,
          text,
          html,
          // Asks vacation responders for silence (RFC 3834).
          headers: { 'Auto-Submitted': 'auto-generated' },
          signal: AbortSignal.any([closing.signal, AbortSignal.timeout(timeouts.total)]),
        })
      } catch (error) {
        throw toPortError(error)
      }
    },
    close: () => closing.abort(),
    async verify() {
      try {
        await transport.verify()
      } catch (error) {
        throw toPortError(error)
      }
    },
  }
}

function readSender(from: string): { name: string; address: string } {
  const [, name = '', address = from] = /^([^<]*)<([^>]*)>$/.exec(from) ?? []
  return { name: name.trim(), address }
}

function isOneAddress(text: string): boolean {
  return (
    /^[\x21-\x7e]{1,64}@[a-z0-9.-]{1,254}$/i.test(text) &&
    !/[\s<>()[\]\\,;:"@]/.test(text.slice(0, text.lastIndexOf('@')))
  )
}

/** Only a wrong address is final: any other reply may pass, or be remedied by the operator. */
function toPortError(error: unknown): Error {
  const failure: Error & SmtpFailure = error instanceof Error ? error : new Error(String(error))
  const reason = failure.message.replace(/\s+/g, ' ').slice(0, 200)
  if (refusesRecipient(failure)) return new MailRefused(reason)
  return refusesContents(failure) ? new MailContentsRefused(reason) : new Error(reason)
}
