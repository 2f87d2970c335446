import { isIP } from 'node:net'
import type { GivenSettings } from './settings.ts'

export interface MailConfig {
  /** Absent: mails go to the development mailbox. */
  readonly smtp:
    | {
        readonly host: string
        readonly port: number
        /** TLS from the first byte. */
        readonly useSsl: boolean
        /** TLS, from the first byte or by STARTTLS, or nothing is sent. */
        readonly useTls: boolean
        /** The authorities that are trusted in place of the usual ones, in PEM. */
        readonly ca: string | undefined
        /** How this machine calls itself; absent: by its host name. */
        readonly ehloName: string | undefined
        readonly user: string | undefined
        readonly password: string | undefined
      }
    | undefined
  readonly from: string
}

const submission = 587
/** TLS from the first byte (RFC 8314). */
const submissions = 465

export function readMailConfig(given: GivenSettings, publicUrl: string): MailConfig {
  return { smtp: readSmtp(given, publicUrl), from: given.DEFAULT_FROM_EMAIL ?? 'auth@localhost' }
}

function readSmtp(given: GivenSettings, publicUrl: string): MailConfig['smtp'] {
  if (given.EMAIL_HOST === undefined) return undefined
  const port = given.EMAIL_PORT ?? (given.EMAIL_USE_SSL ? submissions : submission)
  return {
    host: given.EMAIL_HOST,
    port,
    useSsl: given.EMAIL_USE_SSL ?? port === submissions,
    useTls: given.EMAIL_USE_TLS ?? true,
    ca: given.EMAIL_CA,
    ehloName: given.EMAIL_EHLO_NAME ?? fullNameIn(publicUrl),
    user: given.EMAIL_HOST_USER,
    password: given.EMAIL_HOST_PASSWORD,
  }
}

/** The name of a container has no dot, and servers refuse such names and the address that would take their place. */
function fullNameIn(publicUrl: string): string | undefined {
  const { hostname } = new URL(publicUrl)
  return hostname.includes('.') && isIP(hostname) === 0 ? hostname : undefined
}
