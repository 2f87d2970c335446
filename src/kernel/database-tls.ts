/** How connections to the database are encrypted, in the words of libpq. */
export interface DatabaseTls {
  /** `allow`, which begins without encryption, is not accepted. */
  readonly mode: 'disable' | 'prefer' | 'require' | 'verify-ca' | 'verify-full'
  /** The file with the authorities to trust; undefined: those that Node trusts. */
  readonly rootCert: string | undefined
  /** The files with the certificate and the key that this server shows. */
  readonly client: { readonly cert: string; readonly key: string } | undefined
  /** Of the key, where it is encrypted. */
  readonly password: string | undefined
  /** Whether TLS begins with the first byte, as PostgreSQL 17 and newer can. */
  readonly direct: boolean
}

const modes = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'] as const

/** The parameters of libpq that are supported here, and `ssl`, as other drivers write it. */
const heeded = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'sslpassword', 'sslnegotiation', 'ssl']

/** Reads what DATABASE_URL says of TLS. Throws an Error whose message continues the name of the setting. */
export function readDatabaseTls(url: string): DatabaseTls {
  const { searchParams } = new URL(url)
  const said = (name: string) => searchParams.get(name) || undefined
  const names = [...searchParams.keys()].filter((name) => /^(requiressl$|ssl)/i.test(name))
  if (names.some((name) => !heeded.includes(name))) {
    // If it were ignored, the connection could be less protected than the operator wants.
    throw new Error(`must not have parameters of TLS other than ${heeded.slice(0, -1).join(', ')}`)
  }
  const binding = [...searchParams].filter(([name]) => name.toLowerCase() === 'channel_binding')
  if (binding.some(([, value]) => value !== 'prefer' && value !== 'disable')) {
    throw new Error(
      'must not ask for channel_binding, which is not supported: remove it and write sslmode=verify-full, which proves that it is the right server',
    )
  }
  if (new Set(names).size < names.length) throw new Error('must have each parameter of TLS once')
  const [rootCert, cert, key] = [said('sslrootcert'), said('sslcert'), said('sslkey')]
  const mode = readMode(said('sslmode'), said('ssl'), rootCert)
  if (rootCert === 'system' && mode !== 'verify-full') {
    throw new Error(
      'must say sslmode=verify-full with sslrootcert=system: public authorities sign for every owner of a name',
    )
  }
  if (mode === 'verify-ca' && rootCert === undefined) {
    throw new Error(
      'must name a file by sslrootcert with sslmode=verify-ca, or say verify-full to trust the usual authorities',
    )
  }
  if ((cert === undefined) !== (key === undefined)) throw new Error('must have sslcert and sslkey together')
  const negotiation = said('sslnegotiation') ?? 'postgres'
  if (!['postgres', 'direct'].includes(negotiation)) {
    throw new Error('must have an sslnegotiation of postgres or direct')
  }
  const direct = negotiation === 'direct'
  if (direct && (mode === 'disable' || mode === 'prefer')) {
    throw new Error('must say sslmode=require, verify-ca or verify-full with sslnegotiation=direct')
  }
  return {
    mode,
    rootCert: rootCert === 'system' ? undefined : rootCert,
    client: cert !== undefined && key !== undefined ? { cert, key } : undefined,
    password: said('sslpassword'),
    direct,
  }
}

function readMode(
  sslmode: string | undefined,
  ssl: string | undefined,
  rootCert: string | undefined,
): DatabaseTls['mode'] {
  // As other drivers write it; libpq takes this value only.
  if (ssl !== undefined && (ssl !== 'true' || sslmode !== undefined)) {
    throw new Error('must say sslmode=require or another sslmode in place of ssl')
  }
  if (sslmode === undefined) return ssl === 'true' ? 'require' : rootCert === 'system' ? 'verify-full' : 'prefer'
  const remedies: Readonly<Record<string, string>> = {
    allow:
      'must not say sslmode=allow, which sends the first message in the clear: say prefer, or disable to have no TLS',
    'no-verify': 'must not say sslmode=no-verify: say require, which encrypts and trusts any certificate, too',
  }
  const mode = modes.find((word) => word === sslmode)
  if (mode === undefined) throw new Error(remedies[sslmode] ?? `must have an sslmode of ${modes.join(', ')}`)
  return mode
}

/** The address without what it says of TLS. */
export function withoutTls(url: string): string {
  const address = new URL(url)
  const names = [...address.searchParams.keys()].filter((name) => /^(ssl|uselibpqcompat$|channel_binding$)/i.test(name))
  if (names.length === 0) return url
  for (const name of names) address.searchParams.delete(name)
  return address.href
}
