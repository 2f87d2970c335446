const untrusted =
  'the certificate of PostgreSQL is signed by no authority that is trusted here: name the certificate of that authority by sslrootcert'

const certificateFaults: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  CERT_SIGNATURE_FAILURE: untrusted,
  ERR_TLS_CERT_ALTNAME_INVALID:
    'the certificate of PostgreSQL is for another name than the host in DATABASE_URL: use a name that it is for, or sslmode=verify-ca',
  CERT_HAS_EXPIRED: 'the certificate of PostgreSQL has expired: renew it',
  CERT_NOT_YET_VALID: 'the certificate of PostgreSQL is not valid yet: check the clocks of both machines',
}

const invalidAuthorization = '28000'

/** Why a connection to the database was not made, with the remedy where TLS is why. */
export function describeFailure(error: unknown): string {
  if (error instanceof AggregateError) return [...new Set(error.errors.map(describeFailure))].join('; ')
  if (!(error instanceof Error)) return String(error)
  const { message } = error
  const code = String((error as NodeJS.ErrnoException).code)
  if (message === 'The server does not support SSL connections') {
    return 'PostgreSQL there has no TLS, which the sslmode in DATABASE_URL asks for: switch it on (ssl = on), or say sslmode=prefer or disable'
  }
  const certificateFault = certificateFaults[code]
  if (certificateFault !== undefined) return `${certificateFault} (${code})`
  // The message is lines of OpenSSL's source.
  const { reason = message } = error as { reason?: string }
  if (code.startsWith('ERR_SSL_') && code.includes('ALERT')) {
    return `PostgreSQL refuses the TLS connection (${reason}): check the client certificate, sslcert and sslkey`
  }
  if (code.startsWith('ERR_SSL_') || code === 'EPROTO') return `TLS with PostgreSQL fails: ${reason}`
  if (code !== invalidAuthorization) return message
  // PostgreSQL has no code for these, and its own text is all there is.
  if (/client certificate/.test(message)) return `${message}: name one by sslcert and sslkey`
  if (/no encryption|SSL off/.test(message)) return `${message}: TLS may be asked for there, so say sslmode=require`
  return message
}

/** Whether TLS was offered and did not come about. */
export function isTlsFailure(error: unknown): boolean {
  const { code = '', message = '' } = (error ?? {}) as { code?: unknown; message?: unknown }
  return (
    Object.hasOwn(certificateFaults, String(code)) ||
    /^(ERR_SSL_|ERR_TLS_|EPROTO)/.test(String(code)) ||
    /^(The server does not support SSL|There was an error establishing an SSL)/.test(String(message))
  )
}
