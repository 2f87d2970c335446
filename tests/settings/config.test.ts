import { randomBytes } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { contracts } from '../../src/contracts/index.ts'
import { contractNames } from '../../src/kernel/policy.ts'
import { fileNameOf } from '../../src/kernel/setting.ts'
import type { Config } from '../../src/settings/config.ts'
import { readConfig } from '../../src/settings/config.ts'
import { allSettings } from '../../src/settings/settings.ts'
import { configWarnings } from '../../src/settings/warnings.ts'
import { selfSigned } from '../support/certificate.ts'
import { problemsOf } from '../support/config-problems.ts'

type Environment = Readonly<Record<string, string>>

function randomKey(): string {
  return randomBytes(48).toString('base64')
}

const mailServer = { EMAIL_HOST: 'mail.example.com', DEFAULT_FROM_EMAIL: 'auth@example.com' }

const production = {
  NODE_ENV: 'production',
  DATABASE_URL: 'postgresql://auth:pw@db.internal:5432/auth',
  SECRET_KEY: randomKey(),
  FRONTEND_URL: 'https://app.example.com',
  PUBLIC_URL: 'https://auth.example.com',
  ...mailServer,
}

describe('readConfig', () => {
  it('needs nothing outside production', () => {
    expect(readConfig({})).toEqual({
      production: false,
      logLevel: 'info',
      server: {
        host: '127.0.0.1',
        port: 3000,
        publicUrl: 'http://localhost:3000',
        trustProxy: 0,
        corsOrigins: ['http://localhost:3000'],
        corsHeaders: [],
        rateLimits: true,
        requestsPerMinute: { costly: 30, change: 120, read: 600 },
        redisUrl: undefined,
        refreshTransport: 'client',
        cookies: { secure: false, sameSite: 'strict', partitioned: false },
        clearSiteData: [],
        docs: true,
      },
      metrics: { port: undefined, host: '127.0.0.1' },
      traces: false,
      workers: 1,
      database: { url: undefined, dataDir: '.data', poolSize: 10, waitLimit: 60, eventRetention: undefined },
      secretKeys: [],
      accessTokenKeys: [],
      contracts: { served: contractNames, sunsets: {} },
      tokens: { issuers: ['http://localhost:3000'], audiences: ['http://localhost:3000'] },
      sessions: {
        accessLifetime: 900,
        refreshLifetime: 604_800,
        sessionLifetime: 2_592_000,
        refreshGrace: 10,
        refreshGraceUnseen: 0,
        sessionsPerUser: 100,
        tokensByBearer: true,
      },
      djangoTokens: {
        ...{ keys: [], algorithm: 'HS256', userIdClaim: 'user_id', tokenTypeClaim: 'token_type', jtiClaim: 'jti' },
        ...{ issuer: undefined, audiences: [], accessTokens: false, databaseUrl: undefined },
        ...{ writePasswords: false, userTable: undefined },
      },
      emailVerification: 'optional',
      reauthentication: { after: undefined },
      passwords: { bcryptCost: 12, minLength: 8, peppers: [], weakDjangoHashes: false, hashQueue: 50 },
      phones: { defaultCountry: undefined },
      mail: { smtp: undefined, from: 'auth@localhost' },
      links: {
        frontendUrl: 'http://localhost:3000',
        verifyEmailPath: '/verify-email#token={token}',
        resetPasswordPath: '/reset-password#token={token}',
        restAuth: { verifyEmailPath: undefined, resetPasswordPath: '/reset-password#uid={uid}&token={token}' },
        toOwnPages: true,
      },
    } satisfies Config)
  })

  it('cannot be changed once read', () => {
    const config = readConfig({})
    expect(() => Object.assign(config.server, { port: 1 })).toThrow(TypeError)
    expect(() => (config.server.corsOrigins as string[]).push('https://evil.example')).toThrow(TypeError)
  })

  it('treats an empty or blank value as absent', () => {
    expect(readConfig({ PORT: '', SECRET_KEY: '  ', FRONTEND_URL: '\t' })).toEqual(readConfig({}))
  })

  it('derives what follows from other settings', () => {
    const { server, tokens, links } = readConfig({ PORT: '8080' })
    expect(server.publicUrl).toBe('http://localhost:8080')
    expect(tokens).toEqual({ issuers: ['http://localhost:8080'], audiences: ['http://localhost:8080'] })
    expect(links).toMatchObject({ frontendUrl: 'http://localhost:8080', toOwnPages: true })
  })

  const [first, second] = [randomKey(), randomKey()]
  it.each<[string, Environment, (config: Config) => unknown, unknown]>([
    ['a port', { PORT: '8080' }, ({ server }) => server.port, 8080],
    ['a number of workers', { WEB_CONCURRENCY: '3' }, ({ workers }) => workers, 3],
    ['a worker for each core', { WEB_CONCURRENCY: 'auto' }, ({ workers }) => workers, availableParallelism()],
    [
      'a port that the system chooses',
      { PORT: '0', PUBLIC_URL: 'https://auth.example.com', ...mailServer },
      ({ server }) => server.port,
      0,
    ],
    [
      'a Unix socket',
      { PORT: '/run/auth.sock', PUBLIC_URL: 'http://localhost', TRUST_PROXY: '1' },
      ({ server }) => server.port,
      '/run/auth.sock',
    ],
    [
      'the socket of systemd',
      { PORT: 'systemd', PUBLIC_URL: 'http://localhost', TRUST_PROXY: '2' },
      ({ server }) => server.port,
      'systemd',
    ],
    [
      'budgets of another size',
      { RATE_LIMIT_PASSWORDS: '300', RATE_LIMIT_CHANGES: '0', RATE_LIMIT_READS: '100000' },
      ({ server }) => server.requestsPerMinute,
      { costly: 300, change: 0, read: 100_000 },
    ],
    ['no wait for the database', { DATABASE_WAIT: '0' }, ({ database }) => database.waitLimit, 0],
    [
      'a list of issuers, in order',
      { JWT_ISSUER: 'https://new.example.com, https://old.example.com' },
      ({ tokens }) => tokens,
      { issuers: ['https://new.example.com', 'https://old.example.com'], audiences: ['http://localhost:3000'] },
    ],
    [
      'a list of audiences, in order',
      { JWT_AUDIENCE: 'urn:example:new,api' },
      ({ tokens }) => tokens,
      { issuers: ['http://localhost:3000'], audiences: ['urn:example:new', 'api'] },
    ],
    [
      'a database with TLS',
      { DATABASE_URL: 'postgresql://auth:pw@db.internal/auth?sslmode=verify-full&sslrootcert=system' },
      ({ database }) => database.url,
      'postgresql://auth:pw@db.internal/auth?sslmode=verify-full&sslrootcert=system',
    ],
    ['a host name', { HOST: 'localhost' }, ({ server }) => server.host, 'localhost'],
    ['an IPv6 address to listen on', { HOST: '::', ...mailServer }, ({ server }) => server.host, '::'],
    [
      'an address with a trailing slash',
      { PUBLIC_URL: 'https://a.example/auth/', ...mailServer },
      ({ server }) => server.publicUrl,
      'https://a.example/auth',
    ],
    [
      'several origins',
      { CORS_ORIGINS: 'https://a.example, http://localhost:5173' },
      ({ server }) => server.corsOrigins,
      ['https://a.example', 'http://localhost:5173'],
    ],
    [
      'the origin of a frontend under a path',
      { FRONTEND_URL: 'https://a.example/app', ...mailServer },
      ({ server }) => server.corsOrigins,
      ['https://a.example'],
    ],
    [
      'the origins of applications',
      {
        CORS_ORIGINS:
          'capacitor://localhost,ionic://localhost,tauri://localhost,chrome-extension://abcdefghijklmnopabcdefghijklmnop,safari-web-extension://E0C2A7C2-0000-4000-8000-000000000000',
      },
      ({ server }) => server.corsOrigins.length,
      5,
    ],
    [
      'an address that opens an application, whose pages have an unknown origin',
      { FRONTEND_URL: 'myapp://app/' },
      ({ server, links }) => [server.corsOrigins, links.frontendUrl, links.toOwnPages],
      [[], 'myapp://app', false],
    ],
    [
      'request headers for pages of other origins',
      { CORS_HEADERS: 'X-Tenant, X-Client-Version' },
      ({ server }) => server.corsHeaders,
      ['X-Tenant', 'X-Client-Version'],
    ],
    [
      'cookies for a frontend on another site',
      { COOKIE_SAMESITE: 'none', PUBLIC_URL: 'https://localhost' },
      ({ server }) => server.cookies,
      { secure: true, sameSite: 'none', partitioned: true },
    ],
    [
      'what a logout clears',
      { CLEAR_SITE_DATA: 'cache, storage' },
      ({ server }) => server.clearSiteData,
      ['cache', 'storage'],
    ],
    ['a number of proxies', { TRUST_PROXY: '2' }, ({ server }) => server.trustProxy, 2],
    [
      'networks of proxies',
      { TRUST_PROXY: '10.0.0.0/8, ::1, fd00::/8' },
      ({ server }) => server.trustProxy,
      ['10.0.0.0/8', '::1', 'fd00::/8'],
    ],
    [
      'a Redis',
      { REDIS_URL: 'rediss://auth:p%40ss@cache.internal:6380/2' },
      ({ server }) => server.redisUrl,
      'rediss://auth:p%40ss@cache.internal:6380/2',
    ],
    [
      'a Redis without more than its name',
      { REDIS_URL: 'redis://cache' },
      ({ server }) => server.redisUrl,
      'redis://cache',
    ],
    ['a switch in any case', { RATE_LIMITS: 'OFF' }, ({ server }) => server.rateLimits, false],
    ['a switch as a digit', { RATE_LIMITS: '0' }, ({ server }) => server.rateLimits, false],
    [
      'a word in any case',
      { EMAIL_VERIFICATION: 'Required' },
      ({ emailVerification }) => emailVerification,
      'required',
    ],
    ['blanks around a value', { LOG_LEVEL: ' warn ' }, ({ logLevel }) => logLevel, 'warn'],
    ['seconds without a unit', { ACCESS_TOKEN_LIFETIME: '90' }, ({ sessions }) => sessions.accessLifetime, 90],
    ['hours', { ACCESS_TOKEN_LIFETIME: '12h' }, ({ sessions }) => sessions.accessLifetime, 43_200],
    ['a day for lost answers', { REFRESH_GRACE_UNSEEN: '24h' }, ({ sessions }) => sessions.refreshGraceUnseen, 86_400],
    ['a ceiling for sessions', { SESSIONS_PER_USER: '5' }, ({ sessions }) => sessions.sessionsPerUser, 5],
    ['no renewal by access token', { TOKENS_BY_BEARER: 'off' }, ({ sessions }) => sessions.tokensByBearer, false],
    ['a country for phone numbers', { PHONE_DEFAULT_COUNTRY: 'de' }, ({ phones }) => phones.defaultCountry, 'DE'],
    ['no grace', { REFRESH_GRACE: '0' }, ({ sessions }) => sessions.refreshGrace, 0],
    ['one key', { SECRET_KEY: first }, ({ secretKeys }) => secretKeys, [first]],
    [
      'a list of keys, in order',
      { SECRET_KEY: `${first}, ${second}` },
      ({ secretKeys }) => secretKeys,
      [first, second],
    ],
    [
      'a list of keys for access tokens, in order',
      { ACCESS_TOKEN_KEY: `${second}, ${first}` },
      ({ accessTokenKeys }) => accessTokenKeys,
      [second, first],
    ],
    [
      'a list of peppers',
      { PASSWORD_PEPPER: `${second},${first}` },
      ({ passwords }) => passwords.peppers,
      [second, first],
    ],
    [
      'a path with the user id',
      { RESET_PASSWORD_PATH: '/reset/{uid}/{token}', FRONTEND_URL: 'http://localhost:5173' },
      ({ links }) => links.resetPasswordPath,
      '/reset/{uid}/{token}',
    ],
    [
      'the paths of a contract',
      {
        REST_AUTH_VERIFY_EMAIL_PATH: '/verify/{token}',
        REST_AUTH_RESET_PASSWORD_PATH: '/reset/{uid}/{token}',
        FRONTEND_URL: 'http://localhost:5173',
      },
      ({ links }) => links.restAuth,
      { verifyEmailPath: '/verify/{token}', resetPasswordPath: '/reset/{uid}/{token}' },
    ],
    [
      'a database on a socket',
      { DATABASE_URL: 'postgresql:///auth?host=/run/postgresql' },
      ({ database }) => database.url,
      'postgresql:///auth?host=/run/postgresql',
    ],
    [
      'a mail server',
      { EMAIL_HOST: 'mail.example.com', DEFAULT_FROM_EMAIL: 'Example <auth@example.com>' },
      ({ mail }) => mail,
      {
        smtp: {
          host: 'mail.example.com',
          port: 587,
          useSsl: false,
          useTls: true,
          ca: undefined,
          ehloName: undefined,
          user: undefined,
          password: undefined,
        },
        from: 'Example <auth@example.com>',
      },
    ],
    ...(
      [
        ['port 465 as TLS from the first byte', { EMAIL_PORT: '465' }, { port: 465, useSsl: true }],
        ['STARTTLS at port 465', { EMAIL_PORT: '465', EMAIL_USE_SSL: 'off' }, { port: 465, useSsl: false }],
        ['TLS from the first byte', { EMAIL_USE_SSL: 'on', EMAIL_USE_TLS: 'off' }, { port: 465, useSsl: true }],
        [
          'TLS from the first byte at any port',
          { EMAIL_PORT: '2465', EMAIL_USE_SSL: 'on' },
          { port: 2465, useSsl: true },
        ],
        ['a full name to say in EHLO', { PUBLIC_URL: 'https://auth.example.com/x' }, { ehloName: 'auth.example.com' }],
        ['another name to say in EHLO', { EMAIL_EHLO_NAME: 'out.example.com' }, { ehloName: 'out.example.com' }],
        ['an authority to trust', { EMAIL_CA: selfSigned.cert }, { ca: selfSigned.cert.trim() }],
      ] as const
    ).map(([what, environment, expected]): [string, Environment, (config: Config) => unknown, unknown] => [
      what,
      { EMAIL_HOST: 'mail.example.com', DEFAULT_FROM_EMAIL: 'auth@example.com', ...environment },
      ({ mail }) => mail.smtp,
      expect.objectContaining(expected),
    ]),
  ])('reads %s', (_, environment, part, expected) => {
    expect(part(readConfig(environment))).toEqual(expected)
  })
})

describe('a malformed value', () => {
  // Too short to reveal anything, or named in the remedy as a refused value.
  const harmless = new Set(['true', '*', '0', '1', '3', '7', '21', '11', '99'])

  it.each<[string, string]>([
    ['NODE_ENV', 'staging'],
    ['WEB_CONCURRENCY', '0'],
    ['WEB_CONCURRENCY', '99'],
    ['WEB_CONCURRENCY', 'many'],
    ['METRICS_PORT', '0'],
    ['METRICS_HOST', 'http://127.0.0.7'],
    ['PORT', '65536'],
    ['PORT', '-31'],
    ['PORT', '3e3'],
    ['PORT', '0x1F90'],
    ['PORT', '9999999999999999999'],
    ['PORT', 'auth.sock'],
    ['PORT', '/run/auth/'],
    ['PORT', `/run/${'x'.repeat(100)}`],
    ['HOST', 'http://0.0.0.7'],
    ['HOST', 'localhost:3210'],
    ['PUBLIC_URL', 'sso.example.com'],
    ['PUBLIC_URL', 'ftp://auth.example.com'],
    ['PUBLIC_URL', 'https://me:hidden@auth.example.com'],
    ['PUBLIC_URL', 'https://auth.example.com/?x=1'],
    ['PUBLIC_URL', 'https://auth.example.com/?'],
    ['FRONTEND_URL', 'https://app.example.com/#top'],
    ['FRONTEND_URL', 'javascript:alert(1)'],
    ['FRONTEND_URL', 'javascript://app/%0aalert(1)'],
    ['FRONTEND_URL', 'data://text/html,hidden'],
    ['FRONTEND_URL', 'file://host/page'],
    ['FRONTEND_URL', 'myapp://me:hidden@app'],
    ['FRONTEND_URL', 'myapp://app?to=reset'],
    ['FRONTEND_URL', 'myapp:reset'],
    ['FRONTEND_URL', 'intent://x'],
    ['FRONTEND_URL', 'Intent://app/#Intent;scheme=myapp;end'],
    ['CORS_ORIGINS', 'intent://x'],
    ['CORS_ORIGINS', '*'],
    ['CORS_ORIGINS', 'null'],
    ['CORS_ORIGINS', 'null://null'],
    ['CORS_ORIGINS', 'htps://app.example.com'],
    ['CORS_ORIGINS', 'capacitor://LOCALHOST'],
    ['DATABASE_URL', 'postgresql://auth:hidden@db.internal/auth?SSLMODE=verify-full'],
    ['DATABASE_URL', 'postgresql://auth:hidden@db.internal/auth?sslmode=disable&sslmode=verify-full'],
    ['DATABASE_URL', 'postgresql://auth:hidden@db.internal/auth?requiressl=1'],
    ['FRONTEND_URL', 'htttps://app.example.com'],
    ['CORS_ORIGINS', 'https://*.example.com'],
    ['CORS_ORIGINS', 'https://app.example.com,http://*'],
    ['CORS_ORIGINS', 'capacitor://*'],
    ['CORS_ORIGINS', 'capacitor://localhost/'],
    ['CORS_ORIGINS', 'Capacitor://localhost'],
    ['CORS_ORIGINS', 'file://'],
    ['CORS_ORIGINS', 'myapp:'],
    ['CORS_HEADERS', '*'],
    ['CORS_HEADERS', 'X-One,*'],
    ['CORS_HEADERS', 'X One'],
    ['CORS_HEADERS', 'X-One,'],
    ['COOKIE_SAMESITE', 'off'],
    ['COOKIE_PARTITIONED', 'yes please'],
    ['CORS_ORIGINS', 'https://app.example.com/'],
    ['CORS_ORIGINS', 'https://app.example.com,'],
    ['CORS_ORIGINS', 'ftp://app.example.com'],
    ['CLEAR_SITE_DATA', 'cookies'],
    ['CLEAR_SITE_DATA', 'on'],
    ['CLEAR_SITE_DATA', '"cache"'],
    ['TRUST_PROXY', 'true'],
    ['TRUST_PROXY', 'yes'],
    ['TRUST_PROXY', '-71'],
    ['TRUST_PROXY', '11'],
    ['TRUST_PROXY', '99'],
    ['TRUST_PROXY', '128.0.0.0/1'],
    ['TRUST_PROXY', '2000::/3'],
    ['TRUST_PROXY', '10.0.0.0/33'],
    ['TRUST_PROXY', '0.0.0.0/0'],
    ['TRUST_PROXY', '::/0'],
    ['TRUST_PROXY', '10.1.0.0/8/8'],
    ['TRUST_PROXY', '10.1.0.0/'],
    ['TRUST_PROXY', '10.1.0.0,'],
    ['RATE_LIMITS', 'maybe'],
    ['RATE_LIMIT_PASSWORDS', '-30'],
    ['RATE_LIMIT_PASSWORDS', '100001'],
    ['RATE_LIMIT_CHANGES', '120/min'],
    ['RATE_LIMIT_READS', 'unlimited'],
    ['REDIS_URL', 'cache.internal:6381'],
    ['REDIS_URL', 'redis:///3'],
    ['REDIS_URL', 'http://cache.internal:6379'],
    ['REDIS_URL', 'unix:///run/redis.sock'],
    ['REDIS_URL', 'redis://:pass%ZZword@cache.internal'],
    ['REDIS_URL', 'redis://cache.internal:6379/sessions'],
    ['REDIS_URL', 'redis://cache.internal:6379/0?timeout=1'],
    ['REDIS_URL', 'redis://cache.internal:port'],
    ['LOG_LEVEL', 'verbose'],
    ['DATABASE_URL', 'mysql://root:hidden@db/auth'],
    ['DATABASE_URL', 'postgresql://root:hidden@db'],
    ['DATABASE_URL', 'host=db dbname=auth'],
    ...[
      'sslmode=allow',
      'sslmode=no-verify',
      'sslmode=on',
      'sslmode=REQUIRE',
      'ssl=no-verify',
      'ssl=true&sslmode=verify-full',
      'sslmode=verify-ca',
      'sslmode=require&sslrootcert=system',
      'sslrootcert=system&sslmode=verify-ca',
      'sslmode=require&sslcert=/run/secrets/client.crt',
      'sslkey=/run/secrets/client.key',
      'sslmode=verify-full&sslcrl=/run/secrets/crl.pem',
      'sslaccept=strict',
      'sslnegotiation=direct',
      'sslmode=require&sslnegotiation=fast',
      'sslmode=require&channel_binding=require',
      'sslmode=require&CHANNEL_BINDING=require',
    ].map((parameters): [string, string] => ['DATABASE_URL', `postgresql://root:hidden@db/auth?${parameters}`]),
    ['DATABASE_POOL', '1'],
    ['DATABASE_WAIT', '61m'],
    ['DATABASE_WAIT', 'forever'],
    ['SECRET_KEY', 'hidden-and-short'],
    ['SECRET_KEY', `${randomKey()},`],
    ['SECRET_KEY', `${randomKey()},hidden-and-short`],
    ['ACCESS_TOKEN_KEY', 'hidden-and-short'],
    ['ACCESS_TOKEN_KEY', `${randomKey()},hidden-and-short`],
    ['PASSWORD_PEPPER', 'hidden-and-short'],
    ['JWT_ISSUER', 'https://a.example,'],
    ['JWT_ISSUER', 'https://a.example,https://a.example'],
    ['JWT_ISSUER', 'https://a.example https://b.example'],
    ['JWT_ISSUER', 'https://:71'],
    ['JWT_AUDIENCE', 'ä.example'],
    ['JWT_AUDIENCE', 'x'.repeat(256)],
    ['ACCESS_TOKEN_LIFETIME', '0'],
    ['ACCESS_TOKEN_LIFETIME', '25h'],
    ['ACCESS_TOKEN_LIFETIME', '15 minutes'],
    ['ACCESS_TOKEN_LIFETIME', '1.5h'],
    ['REFRESH_TOKEN_LIFETIME', '367d'],
    ['SESSION_LIFETIME', '99999999d'],
    ['SESSION_LIFETIME', 'Infinity'],
    ['REFRESH_GRACE', '61s'],
    ['REFRESH_GRACE_UNSEEN', '31d'],
    ['REFRESH_GRACE_UNSEEN', 'off'],
    ['SESSIONS_PER_USER', '0'],
    ['SESSIONS_PER_USER', 'unlimited'],
    ['TOKENS_BY_BEARER', 'sometimes'],
    ['EMAIL_VERIFICATION', 'mandatory'],
    ['BCRYPT_COST', '3'],
    ['BCRYPT_COST', '21'],
    ['PASSWORD_MIN_LENGTH', '7'],
    ['HASH_QUEUE', '0'],
    ['PHONE_DEFAULT_COUNTRY', 'UK'],
    ['PHONE_DEFAULT_COUNTRY', '+49'],
    ['PHONE_DEFAULT_COUNTRY', 'Germany'],
    ['EMAIL_HOST', 'smtp://mail.example.com'],
    ['EMAIL_HOST', 'mail.example.com:2525'],
    ['EMAIL_PORT', '0'],
    ['EMAIL_USE_TLS', 'starttls'],
    ['EMAIL_USE_SSL', 'implicit'],
    ['EMAIL_EHLO_NAME', 'container'],
    ['EMAIL_EHLO_NAME', '203.0.113.7'],
    ['EMAIL_EHLO_NAME', 'a.example\r\nMAIL FROM:<b@c.example>'],
    ['EMAIL_CA', 'mail.example.com.pem'],
    ['EMAIL_CA', '-----BEGIN CERTIFICATE-----\nbm9uZQ==\n-----END CERTIFICATE-----'],
    ['DEFAULT_FROM_EMAIL', 'nobody'],
    ['DEFAULT_FROM_EMAIL', 'a@x.example, b@y.example'],
    ['DEFAULT_FROM_EMAIL', 'A <a@x.example>\r\nBcc: b@y.example'],
    ['VERIFY_EMAIL_PATH', '/verify-it'],
    ['VERIFY_EMAIL_PATH', 'verify#{token}'],
    ['VERIFY_EMAIL_PATH', '//evil.example/{token}'],
    ['VERIFY_EMAIL_PATH', '/verify/{uid}/{token}'],
    ['RESET_PASSWORD_PATH', '/reset/{user}/{token}'],
    ['REST_AUTH_VERIFY_EMAIL_PATH', '/verify/{uid}/{token}'],
    ['REST_AUTH_RESET_PASSWORD_PATH', '/reset/{uid}'],
    ['REST_AUTH_RESET_PASSWORD_PATH', 'reset/{uid}/{token}'],
    ['RESET_PASSWORD_PATH', '/reset/{user-id}/{token}'],
    ['RESET_PASSWORD_PATH', '/re set/{token}'],
  ])('of %s is one problem that names it and does not show it: %j', (name, value) => {
    const problems = problemsOf({ [name]: value })
    expect(problems).toEqual([expect.stringMatching(new RegExp(`^${name} must `))])
    if (!harmless.has(value)) expect(problems.join()).not.toContain(value)
  })

  it('is reported together with all others', () => {
    const problems = problemsOf({ PORT: 'x', BCRYPT_COST: 'x', TRUST_PROXY: 'x', EMAIL_HOST_USER: 'ada' })
    expect(problems.map((problem) => problem.split(' ')[0])).toEqual([
      'PORT',
      'TRUST_PROXY',
      'BCRYPT_COST',
      'EMAIL_HOST_USER',
    ])
  })

  it('is reported in one message, a line each', () => {
    expect(() => readConfig({ PORT: 'x', HASH_QUEUE: 'x' })).toThrow(
      /^The settings cannot be used:\n {2}- PORT .*\n {2}- HASH_QUEUE .*$/,
    )
  })
})

describe('a secret in a file', () => {
  const key = randomKey()
  const files: Readonly<Record<string, string>> = {
    '/run/secrets/key': `${key}\n`,
    '/run/secrets/database': 'postgresql://auth:pw@db.internal:5432/auth\r\n',
    '/run/secrets/empty': ' \n',
    '/run/secrets/short': 'hidden-and-short\n',
  }
  const readFile = (path: string) => {
    const text = files[path]
    if (text === undefined) throw Object.assign(new Error(`no such file: ${path}`), { code: 'ENOENT' })
    return text
  }
  const problemsWith = (environment: Environment) => problemsOf(environment, readFile)

  const fileNames = allSettings.map(fileNameOf).filter((name) => name !== undefined)

  it.each(fileNames)('is named by %s', (fileName) => {
    expect(problemsWith({ [fileName]: '/run/secrets/none' })).toEqual(
      expect.arrayContaining([`${fileName} must name a file that this server can read; the system says ENOENT`]),
    )
  })

  it('is read without its last line break, and counts in production', () => {
    const { SECRET_KEY: _key, DATABASE_URL: _url, ...rest } = production
    const config = readConfig(
      { ...rest, SECRET_KEY_FILE: '/run/secrets/key', DATABASE_URL_FILE: '/run/secrets/database' },
      readFile,
    )
    expect(config.secretKeys).toEqual([key])
    expect(config.database.url).toBe('postgresql://auth:pw@db.internal:5432/auth')
  })

  it.each<[string, Environment, string]>([
    [
      'given in both ways',
      { SECRET_KEY: randomKey(), SECRET_KEY_FILE: '/run/secrets/key' },
      'SECRET_KEY_FILE must not be set together with SECRET_KEY; remove one of them',
    ],
    [
      'in a file that is empty',
      { SECRET_KEY: '', SECRET_KEY_FILE: '/run/secrets/empty' },
      'SECRET_KEY_FILE must name a file that is not empty',
    ],
    [
      'in a file that is not there',
      { SECRET_KEY: '', SECRET_KEY_FILE: '/run/secrets/none' },
      'SECRET_KEY_FILE must name a file that this server can read; the system says ENOENT',
    ],
    [
      'that is malformed',
      { SECRET_KEY: '', SECRET_KEY_FILE: '/run/secrets/short' },
      'SECRET_KEY_FILE must be 32 bytes or more (several: separated by commas, each so long); make one with: openssl rand -base64 48',
    ],
  ])('is one problem when it is %s, in production too', (_, environment, problem) => {
    expect(problemsWith({ ...production, ...environment })).toEqual([problem])
  })
})

describe('settings that do not fit together', () => {
  it.each<[string, Environment, string]>([
    [
      'an access token that outlives its session',
      { ACCESS_TOKEN_LIFETIME: '2h', REFRESH_TOKEN_LIFETIME: '1h' },
      'REFRESH_TOKEN_LIFETIME must not be shorter than ACCESS_TOKEN_LIFETIME',
    ],
    [
      'a Unix socket for several workers',
      { PORT: '/run/auth.sock', PUBLIC_URL: 'http://localhost', TRUST_PROXY: '1', WEB_CONCURRENCY: '2' },
      'WEB_CONCURRENCY must be 1 when PORT is a socket: workers share ports only',
    ],
    [
      'a session shorter than its refresh token',
      { SESSION_LIFETIME: '1d' },
      'SESSION_LIFETIME must not be shorter than REFRESH_TOKEN_LIFETIME',
    ],
    [
      'a mail server without a sender',
      { EMAIL_HOST: 'mail.example.com' },
      'DEFAULT_FROM_EMAIL must be set when EMAIL_HOST is: the sender of mails',
    ],
    [
      'a name without a password',
      { EMAIL_HOST_USER: 'ada' },
      'EMAIL_HOST_USER and EMAIL_HOST_PASSWORD must be set together',
    ],
    [
      'a password without a name',
      { EMAIL_HOST_PASSWORD: 'pw' },
      'EMAIL_HOST_USER and EMAIL_HOST_PASSWORD must be set together',
    ],
    [
      'the path of a page that no site has, for verifying',
      { VERIFY_EMAIL_PATH: '/openSession/{token}' },
      'FRONTEND_URL must be set when VERIFY_EMAIL_PATH is: the site that has this page',
    ],
    [
      'the path of a page that no site has, for resetting',
      { RESET_PASSWORD_PATH: '/new-password/{token}' },
      'FRONTEND_URL must be set when RESET_PASSWORD_PATH is: the site that has this page',
    ],
    [
      'the path of a page that no site has, for resetting through rest-auth',
      { REST_AUTH_RESET_PASSWORD_PATH: '/reset/{uid}/{token}' },
      'FRONTEND_URL must be set when REST_AUTH_RESET_PASSWORD_PATH is: the site that has this page',
    ],
    [
      'the path of a page that no site has, for verifying through rest-auth',
      { REST_AUTH_VERIFY_EMAIL_PATH: '/verify/{token}' },
      'FRONTEND_URL must be set when REST_AUTH_VERIFY_EMAIL_PATH is: the site that has this page',
    ],
    [
      'links to pages of our own that could reach no server',
      { CONTRACTS: 'rest-auth,drf' },
      "FRONTEND_URL must be set when CONTRACTS leaves out v1: the site that the links in mails lead to, as this server's own pages use v1",
    ],
    [
      'cookies for other sites over plain http',
      { COOKIE_SAMESITE: 'none' },
      'COOKIE_SAMESITE must not be none unless PUBLIC_URL is an https address: browsers drop such cookies',
    ],
    [
      'cookies that are kept apart for sites that do not get them',
      { COOKIE_PARTITIONED: 'on' },
      'COOKIE_PARTITIONED must not be on unless COOKIE_SAMESITE is none: other cookies reach no other site',
    ],
    [
      'an unknown port in the public address',
      { PORT: '0' },
      'PUBLIC_URL must be set when PORT is 0: the address by which clients reach the port that the system chooses',
    ],
    [
      'a socket in the public address',
      { PORT: '/run/auth.sock', TRUST_PROXY: '1' },
      'PUBLIC_URL must be set when PORT is a socket: the address by which clients reach this server',
    ],
    ...[{}, { TRUST_PROXY: '0' }, { TRUST_PROXY: '10.0.0.0/8' }].map((proxies): [string, Environment, string] => [
      `a socket whose clients all are one with ${JSON.stringify(proxies)}`,
      { PORT: '/run/auth.sock', PUBLIC_URL: 'http://localhost', ...proxies },
      'TRUST_PROXY must be the number of proxies, 1 or more, when PORT is a socket: what speaks over it has no address, and without the one that it forwards all clients would share one budget',
    ]),
    [
      "TLS to the database in a variable of libpq's",
      { DATABASE_URL: 'postgresql://auth:pw@db.internal/auth', PGSSLMODE: 'verify-full' },
      'PGSSLMODE is not read: write its value into DATABASE_URL as ?sslmode=',
    ],
  ])('%s', (_, environment, problem) => {
    expect(problemsOf(environment)).toEqual([problem])
  })

  it.each(contracts)('a required verification that $name may have no endpoint for', ({ name, rows }) => {
    const verifies = rows.some(({ endpoint }) => endpoint.name === 'verifyEmail')
    const problem =
      'EMAIL_VERIFICATION must not be required unless CONTRACTS names one of v1, rest-auth, dj-rest-auth, djoser: no user could verify an address'
    expect(
      problemsOf({ EMAIL_VERIFICATION: 'required', CONTRACTS: name, FRONTEND_URL: 'http://localhost:5173' }),
    ).toEqual(verifies ? [] : [problem])
  })

  it('are not reported where a value could not be read', () => {
    const problems = problemsOf({
      REFRESH_TOKEN_LIFETIME: 'long',
      SESSION_LIFETIME: '1d',
      EMAIL_HOST: 'mail.example.com',
      DEFAULT_FROM_EMAIL: 'nobody',
      PORT: '0',
      PUBLIC_URL: 'auth.example.com',
      FRONTEND_URL: 'app.example.com',
      VERIFY_EMAIL_PATH: '/openSession/{token}',
    })
    expect(problems.map((problem) => problem.split(' ')[0])).toEqual([
      'PUBLIC_URL',
      'FRONTEND_URL',
      'REFRESH_TOKEN_LIFETIME',
      'DEFAULT_FROM_EMAIL',
    ])
  })
})

describe('outside production, without a mail server', () => {
  // A public server without NODE_ENV showed every reset token at /mailbox.
  it.each([
    ['PUBLIC_URL', 'https://auth.example.com'],
    ['PUBLIC_URL', 'http://192.168.1.7:3000'],
    ['PUBLIC_URL', 'http://0.0.0.0:3000'],
    ['PUBLIC_URL', 'http://localhost.example.com'],
    ['FRONTEND_URL', 'https://app.example.com'],
    ['HOST', '0.0.0.0'],
    ['HOST', '::'],
    ['HOST', '192.168.1.7'],
    ['HOST', 'auth.example.com'],
  ])('%s must name this machine, which %s does not', (name, value) => {
    for (const given of [{}, { NODE_ENV: 'development' }, { NODE_ENV: 'test' }, { EMAIL_HOST: ' ' }]) {
      const problems = problemsOf({ [name]: value, ...given })
      expect(problems).toEqual([
        expect.stringMatching(`^${name} must name this machine.* NODE_ENV=production .* EMAIL_HOST `),
      ])
      expect(problems.join()).not.toContain(value)
    }
    expect(problemsOf({ [name]: value, ...mailServer })).toEqual([])
  })

  it.each([
    ['PUBLIC_URL', 'http://localhost:4000'],
    ['PUBLIC_URL', 'http://[::1]:3000'],
    ['FRONTEND_URL', 'https://app.localhost'],
    ['FRONTEND_URL', 'http://127.0.0.1:5173/app'],
    ['FRONTEND_URL', 'myapp://app.example.com'],
    ['HOST', 'localhost'],
    ['HOST', '127.0.0.2'],
    ['HOST', '::1'],
  ])('%s may be %s', (name, value) => {
    expect(problemsOf({ [name]: value })).toEqual([])
  })
})

describe('in production', () => {
  it('starts with what it needs, on all addresses', () => {
    expect(readConfig(production)).toMatchObject({ production: true, server: { host: '0.0.0.0', rateLimits: true } })
  })

  it('serves no documentation unless it is switched on', () => {
    expect(readConfig(production).server).toMatchObject({ docs: false })
    expect(readConfig({ ...production, DOCS: 'on' }).server).toMatchObject({ docs: true })
  })

  it('names everything that is missing, once and together', () => {
    const missing = Object.keys(production).filter((name) => name !== 'NODE_ENV')
    const problems = problemsOf({ NODE_ENV: 'production' })
    expect(problems).toHaveLength(missing.length)
    expect(problems).toEqual(
      expect.arrayContaining(missing.map((name) => expect.stringContaining(`${name} must be set in production: `))),
    )
  })

  it.each(Object.keys(production).filter((name) => name !== 'NODE_ENV'))(
    'demands %s, which an empty value is not',
    (name) => {
      expect(problemsOf({ ...production, [name]: ' ' })).toEqual([
        expect.stringMatching(new RegExp(`^${name} must be set in production: `)),
      ])
    },
  )

  it.each([
    'django-insecure-b1946ac92492d2347c6235b4d2611184',
    'change-me-change-me-change-me-change-me',
    'your_secret_key_goes_here_0123456789',
    'this-is-an-example-key-0123456789abcdef',
    'a-string-secret-at-least-256-bits-long',
    'insecure-0Vw1vHc5xQ9mTz7kYb3nRf8s',
    'this-is-a-very-long-secret-for-our-server',
    'This is my signing key do not tell',
    'K7f-DO-NOT-USE-in-production-9x2LmQ4w',
  ])('refuses the sample key %s, also behind a good one', (key) => {
    for (const name of ['SECRET_KEY', 'ACCESS_TOKEN_KEY']) {
      for (const keys of [key, `${randomKey()},${key}`]) {
        const problems = problemsOf({ ...production, [name]: keys })
        expect(problems).toEqual([expect.stringMatching(new RegExp(`^${name} must not be a sample`))])
        expect(problems.join()).not.toContain(key)
      }
    }
  })

  it.each([
    ['ACCESS_TOKEN_KEY', 'SECRET_KEY'],
    ['PASSWORD_PEPPER', 'SECRET_KEY'],
    ['PASSWORD_PEPPER', 'ACCESS_TOKEN_KEY'],
    ['DJANGO_SECRET_KEY', 'SECRET_KEY'],
    ['DJANGO_SECRET_KEY', 'PASSWORD_PEPPER'],
  ])('refuses a key of %s that is one of %s, wherever it stands in the lists', (name, other) => {
    const [shared, more] = [randomKey(), randomKey()]
    for (const [keys, others] of [
      [shared, shared],
      [`${more},${shared}`, shared],
      [shared, `${randomKey()}, ${shared}`],
    ]) {
      const problems = problemsOf({ ...production, [name]: keys, [other]: others })
      expect(problems).toEqual([`${name} must not hold a key of ${other}; make another with: openssl rand -base64 48`])
    }
  })

  it('accepts every key that the command of the remedy and similar ones make', () => {
    const keys = Array.from({ length: 1000 }, () => [randomKey(), randomBytes(32).toString('hex')]).flat()
    expect(problemsOf({ ...production, SECRET_KEY: keys.join(',') })).toEqual([])
  })

  it('names the file where its value is always wrong', () => {
    const read = () => 'change-me-change-me-change-me-change-me'
    const { SECRET_KEY: _key, ...rest } = production
    expect(() => readConfig({ ...rest, SECRET_KEY_FILE: '/run/secrets/key' }, read)).toThrow(
      /^The settings cannot be used:\n {2}- SECRET_KEY_FILE must not be a sample in production; [^\n]+$/,
    )
  })

  it.each(['FRONTEND_URL', 'PUBLIC_URL'])('refuses links over plain http: %s', (name) => {
    expect(problemsOf({ ...production, [name]: 'http://app.example.com' })).toEqual([
      `${name} must be an https address in production`,
    ])
  })

  it.each([
    ['BCRYPT_COST', { BCRYPT_COST: '9' }],
    ['CORS_ORIGINS', { CORS_ORIGINS: 'https://app.example.com,http://app.example.com' }],
    ['EMAIL_USE_TLS', { EMAIL_USE_TLS: 'off', EMAIL_HOST_USER: 'auth', EMAIL_HOST_PASSWORD: 'hidden' }],
    ['PASSWORD_PEPPER', { PASSWORD_PEPPER: 'change-me-change-me-change-me-change-me' }],
  ])('refuses values of %s that are always wrong, and only here', (name, settings) => {
    expect(problemsOf({ ...production, ...settings })).toEqual([expect.stringMatching(`^${name} must `)])
    expect(problemsOf({ ...production, ...settings, NODE_ENV: 'development' })).toEqual([])
  })

  it('accepts a mail server without encryption on its own machine', () => {
    const mail = { EMAIL_HOST: '127.0.0.1', EMAIL_USE_TLS: 'off', EMAIL_HOST_USER: 'a', EMAIL_HOST_PASSWORD: 'b' }
    expect(problemsOf({ ...production, ...mail })).toEqual([])
    expect(configWarnings(readConfig({ ...production, ...mail }))).toEqual([])
  })

  const sharedKey = 'a-key-that-django-has-too-0123456789abcdef'

  it.each([
    ['EMAIL_USE_TLS', { EMAIL_USE_TLS: 'off' }],
    ['CORS_ORIGINS', { CORS_ORIGINS: 'http://localhost' }],
    ['PUBLIC_URL', { PUBLIC_URL: 'https://localhost' }],
    ['PUBLIC_URL or FRONTEND_URL', { FRONTEND_URL: 'https://127.0.0.1:5173' }],
    ['RATE_LIMIT_PASSWORDS', { RATE_LIMIT_PASSWORDS: '301' }],
    ['RATE_LIMIT_PASSWORDS, RATE_LIMIT_CHANGES', { RATE_LIMIT_READS: '9' }],
    ['BCRYPT_COST', { BCRYPT_COST: '15' }],
    ['DJANGO_SECRET_KEY', { DJANGO_SECRET_KEY: 'short' }],
    ['ACCESS_TOKEN_KEY', { ACCESS_TOKEN_KEY: sharedKey, DJANGO_SECRET_KEY: sharedKey, TOKENS_BY_BEARER: 'off' }],
    ['ACCESS_TOKEN_LIFETIME', { ACCESS_TOKEN_LIFETIME: '2h' }],
    ['SESSION_LIFETIME', { SESSION_LIFETIME: '400d' }],
    ['NODE_ENV', { NODE_ENV: 'development' }],
  ])('warns of values of %s that are seldom right, with the remedy', (name, settings) => {
    expect(configWarnings(readConfig({ ...production, ...settings }))).toEqual([
      expect.stringMatching(`^${name}.*(set|remove) `),
    ])
  })

  it('does not warn of usual settings', () => {
    expect(configWarnings(readConfig(production))).toEqual([])
    expect(configWarnings(readConfig({}))).toEqual([])
  })

  it.each(['RATE_LIMIT_PASSWORDS', 'RATE_LIMIT_CHANGES', 'RATE_LIMIT_READS'])('refuses to run without %s', (name) => {
    expect(problemsOf({ ...production, [name]: '0' })).toEqual([
      `${name} must be 1 or more in production; remove it to have the usual limit`,
    ])
    expect(problemsOf({ ...production, [name]: '10' })).toEqual([])
  })

  it('refuses to run without rate limits', () => {
    expect(problemsOf({ ...production, RATE_LIMITS: 'off' })).toEqual([
      'RATE_LIMITS must not be off in production; remove it',
    ])
  })
})
