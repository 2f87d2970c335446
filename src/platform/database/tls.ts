import { readFileSync } from 'node:fs'
import type { ConnectionOptions, SecureContextOptions } from 'node:tls'
import { createSecureContext } from 'node:tls'
import type { ClientConfig } from 'pg'
import type { DatabaseTls } from '../../kernel/database-tls.ts'
import { readDatabaseTls, withoutTls } from '../../kernel/database-tls.ts'
import { StartError } from '../../kernel/errors.ts'

/**
 * The options that make `pg` encrypt as libpq does. The files are read anew for each connection, so that certificates can be
 * replaced while the server runs. Throws a StartError when one cannot be used.
 */
export function tlsConfig(url: string): Pick<ClientConfig, 'connectionString' | 'ssl' | 'sslnegotiation'> {
  const tls = tlsOf(url)
  const isPlain = tls.mode === 'disable' || hostOf(url).startsWith('/')
  return {
    connectionString: withoutTls(url),
    ssl: isPlain ? false : optionsOf(tls),
    ...(!isPlain && tls.direct && { sslnegotiation: 'direct' }),
  }
}

function tlsOf(url: string): DatabaseTls {
  try {
    return readDatabaseTls(url)
  } catch (cause) {
    throw new StartError(`DATABASE_URL ${(cause as Error).message}`, { cause })
  }
}

/** A path is the directory of a Unix socket. */
function hostOf(url: string): string {
  const { hostname, searchParams } = new URL(url)
  return searchParams.get('host') ?? decodeURIComponent(hostname)
}

function optionsOf({ mode, rootCert, client, password }: DatabaseTls): ConnectionOptions {
  const secureContext = contextOf({
    ...(rootCert !== undefined && { ca: readFile('sslrootcert', rootCert) }),
    ...(client && { cert: readFile('sslcert', client.cert), key: readFile('sslkey', client.key) }),
    ...(password !== undefined && { passphrase: password }),
  })
  if (mode === 'verify-full') return { secureContext }
  // With authorities of its own every mode of libpq checks the chain.
  return rootCert === undefined
    ? { secureContext, rejectUnauthorized: false }
    : { secureContext, checkServerIdentity: () => undefined }
}

function readFile(parameter: string, path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (cause) {
    // The message is left out: it holds the path, which is the key itself where the operator mistook the parameter.
    const { code } = cause as NodeJS.ErrnoException
    throw unusable(`the file of ${parameter} cannot be read (${code ?? 'no file'})`, undefined)
  }
}

function contextOf(options: SecureContextOptions): ConnectionOptions['secureContext'] {
  try {
    return createSecureContext(options)
  } catch (cause) {
    throw unusable(
      `the files of sslrootcert, sslcert and sslkey cannot be used together: ${(cause as Error).message}`,
      cause,
    )
  }
}

function unusable(what: string, cause: unknown): StartError {
  return new StartError(`DATABASE_URL cannot be used: ${what}. Check what follows its question mark`, { cause })
}

/** Whether connections go on in the clear where PostgreSQL has no TLS. */
export function mayBePlain(url: string): boolean {
  return tlsOf(url).mode === 'prefer' && !hostOf(url).startsWith('/')
}
