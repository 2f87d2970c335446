import type { ContractName } from '../kernel/policy.ts'
import type { Secrets } from '../kernel/secrets.ts'
import type { MailConfig } from './mail.ts'
import type { GivenSettings } from './settings.ts'

type Names = readonly [string, ...string[]]

/** Everything the server was told, in the groups of the parts that use it. Durations are in seconds. */
export interface Config {
  readonly production: boolean
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent'
  readonly server: {
    readonly host: string
    /** Or the path of a Unix socket, or `systemd`: the socket that it hands over. */
    readonly port: number | string
    /** Without a trailing slash. */
    readonly publicUrl: string
    readonly trustProxy: number | readonly string[]
    readonly corsOrigins: readonly string[]
    /** What their pages may send beside the usual headers. */
    readonly corsHeaders: readonly string[]
    readonly rateLimits: boolean
    /** Of one client, to each endpoint of the class; 0: any number. */
    readonly requestsPerMinute: { readonly costly: number; readonly change: number; readonly read: number }
    /** Absent: each instance counts requests for itself. */
    readonly redisUrl: string | undefined
    readonly refreshTransport: 'client' | 'cookie' | 'body'
    /** Secure, but over plain http. */
    readonly cookies: {
      readonly secure: boolean
      readonly sameSite: 'strict' | 'lax' | 'none'
      readonly partitioned: boolean
    }
    /** What a logout asks browsers to clear of this origin. */
    readonly clearSiteData: readonly string[]
    /** Whether the documentation is served, with which everything can be tried out. */
    readonly docs: boolean
    /** Whether it is told how often each endpoint is used. */
    readonly metrics: boolean
  }
  readonly database: {
    /** Absent: the server runs its own PostgreSQL in the data directory. */
    readonly url: string | undefined
    readonly dataDir: string
    readonly poolSize: number
    /** How long a start waits for a database that does not answer. */
    readonly waitLimit: number
  }
  /** The first signs and derives, all verify. Empty: one is to be made in the data directory. */
  readonly secretKeys: readonly string[]
  /** Of access tokens: the first signs, all verify. Empty: one is derived from each secret key. */
  readonly accessTokenKeys: readonly string[]
  readonly contracts: {
    readonly served: readonly ContractName[]
    /** The day on which a contract will be gone, for those of which it is known. */
    readonly sunsets: Readonly<Partial<Record<ContractName, Date>>>
  }
  /** The first of each is written, all are accepted. */
  readonly tokens: { readonly issuers: Names; readonly audiences: Names }
  readonly sessions: {
    readonly accessLifetime: number
    readonly refreshLifetime: number
    readonly sessionLifetime: number
    readonly refreshGrace: number
    /** 0: never longer than the grace. */
    readonly refreshGraceUnseen: number
    readonly sessionsPerUser: number
    readonly tokensByBearer: boolean
  }
  readonly emailVerification: 'optional' | 'required'
  readonly passwords: {
    readonly bcryptCost: number
    readonly minLength: number
    /** The first hashes, all verify. */
    readonly peppers: readonly string[]
    readonly hashQueue: number
  }
  readonly phones: {
    /** Whose numbers may be written without the code of a country; absent: nobody's. */
    readonly defaultCountry: GivenSettings['PHONE_DEFAULT_COUNTRY']
  }
  readonly mail: MailConfig
  readonly links: {
    /** Where the links in mails lead, without a trailing slash. */
    readonly frontendUrl: string
    readonly verifyEmailPath: string
    readonly resetPasswordPath: string
    /** Of the mails of the contract `rest-auth`. */
    readonly restAuth: {
      /** Absent: its verification links lead to this server. */
      readonly verifyEmailPath: string | undefined
      readonly resetPasswordPath: string
    }
    /** Whether the links lead to small pages of our own, as no frontend is configured. */
    readonly toOwnPages: boolean
  }
}

/** The configuration once it has its keys. */
export type CompleteConfig = Config & { readonly secretKeys: Secrets; readonly accessTokenKeys: Secrets }
