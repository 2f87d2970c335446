import type { KeyPairKeyObjectResult } from 'node:crypto'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { problemsOf } from '../support/config-problems.ts'
import { productionSettings } from '../support/production.ts'

type Environment = Readonly<Record<string, string>>

const randomKey = () => randomBytes(48).toString('base64')
const production: Environment = {
  ...productionSettings,
  DATABASE_URL: 'postgresql://auth:pw@db.internal:5432/auth',
  SECRET_KEY: randomKey(),
}

function inPem({ publicKey, privateKey }: KeyPairKeyObjectResult) {
  return {
    public: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    private: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

const rsa = inPem(generateKeyPairSync('rsa', { modulusLength: 2048 }))
const other = inPem(generateKeyPairSync('ed25519'))

describe('the key of Django', () => {
  it.each(['x', 'django-insecure-secret', 'changeme', `${randomKey()},an older one`])(
    'may be %s, in production too',
    (key) => {
      expect(problemsOf({ ...production, DJANGO_SECRET_KEY: key })).toEqual([])
    },
  )

  it('may be that of access tokens, also when it looks like a sample', () => {
    const key = 'django-insecure-8f#k2m!q0z-and-more-of-it-than-32-bytes'
    const shared = { ...production, ACCESS_TOKEN_KEY: `${randomKey()},${key}` }
    expect(problemsOf({ ...shared, DJANGO_SECRET_KEY: key })).toEqual([])
    expect(problemsOf(shared)).toEqual([expect.stringMatching(/^ACCESS_TOKEN_KEY must not be a sample/)])
    const short = { ...production, ACCESS_TOKEN_KEY: 'x', DJANGO_SECRET_KEY: 'x' }
    expect(problemsOf(short)).toEqual([expect.stringMatching(/^ACCESS_TOKEN_KEY must be 32 bytes/)])
  })

  it.each<[string, Environment]>([
    ['a public RSA key', { DJANGO_ALGORITHM: 'RS256', DJANGO_SECRET_KEY: rsa.public }],
    ['several', { DJANGO_ALGORITHM: 'RS256', DJANGO_SECRET_KEY: `${rsa.public},${rsa.public}` }],
  ])('with RS256 may be %s', (_name, settings) => {
    expect(problemsOf(settings)).toEqual([])
  })

  it.each<[string, string]>([
    ['a secret', 'a secret'],
    ['a private key', rsa.private],
    ['a public key of another kind', other.public],
    ['a public key among secrets', `${rsa.public},a secret`],
    ['a broken key', rsa.public.replace(/MII/, 'MIX')],
  ])('with RS256 must not be %s', (_name, key) => {
    const problems = problemsOf({ DJANGO_ALGORITHM: 'RS256', DJANGO_SECRET_KEY: key })
    expect(problems).toEqual([expect.stringMatching(/^DJANGO_SECRET_KEY must be a public RSA key in PEM when/)])
  })

  // Anyone has the public key, and would sign tokens with it as if it were a secret.
  it.each(['HS256', 'HS384', 'HS512'])('with %s must not be a key in PEM', (algorithm) => {
    for (const key of [rsa.public, rsa.private, `a secret,${rsa.public}`]) {
      expect(problemsOf({ DJANGO_ALGORITHM: algorithm, DJANGO_SECRET_KEY: key })).toEqual([
        'DJANGO_SECRET_KEY must not be a key in PEM unless DJANGO_ALGORITHM is RS256',
      ])
    }
  })

  it.each<[string, Environment]>([
    ['access tokens of Django are accepted', { DJANGO_ACCESS_TOKENS: 'on' }],
    ['the database of Django is named', { DJANGO_DATABASE_URL: 'postgresql://localhost/django' }],
  ])('has to be there when %s', (_name, settings) => {
    expect(problemsOf(settings)).toEqual([expect.stringMatching(/^DJANGO_SECRET_KEY must be set when/)])
    expect(problemsOf({ ...settings, DJANGO_SECRET_KEY: 'x' })).toEqual([])
  })

  it('is not enough to write passwords, which needs the database too', () => {
    const settings = { DJANGO_SECRET_KEY: 'x', DJANGO_WRITE_PASSWORDS: 'on' }
    expect(problemsOf(settings)).toEqual([expect.stringMatching(/^DJANGO_DATABASE_URL must be set when DJANGO_WRITE_/)])
    expect(problemsOf({ ...settings, DJANGO_DATABASE_URL: 'postgresql://localhost/django' })).toEqual([])
  })

  it.each(['none', 'hs256', 'ES256', 'RS512'])('is for no algorithm %s', (algorithm) => {
    expect(problemsOf({ DJANGO_ALGORITHM: algorithm, DJANGO_SECRET_KEY: 'x' })).toEqual([
      expect.stringMatching(/^DJANGO_ALGORITHM must be one of: HS256, HS384, HS512, RS256$/),
    ])
  })
})
