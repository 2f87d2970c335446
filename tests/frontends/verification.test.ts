import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import jwt from 'jsonwebtoken'
import { givenUser } from '../support/fixtures.ts'
import { endProcesses } from '../support/process.ts'
import type { TestServer } from '../support/server.ts'
import { startServer } from '../support/server.ts'
import { writeRecipes } from './recipes.ts'

const key = 'services-verify-access-tokens-with-this-key-0123456789'
const issuer = 'https://auth.example.com'

/** Go takes the package from where Debian has it, and not from the network. */
const goModule = `module example.com/verify

go 1.19

require github.com/golang-jwt/jwt/v4 v4.0.0

replace github.com/golang-jwt/jwt/v4 => /usr/share/gocode/src/github.com/golang-jwt/jwt
`

let pathOf: (name: string) => string
beforeAll(async () => {
  pathOf = await writeRecipes()
  writeFileSync(pathOf('go.mod'), goModule)
})
afterAll(endProcesses)

describe.each([
  ['jose', process.execPath, ['verify.mjs']],
  ['PyJWT', '/usr/bin/python3', ['verify.py']],
  ['golang-jwt', 'go', ['run', 'verify.go']],
])('a service that verifies access tokens with %s', (_, program, args) => {
  let issuing: TestServer
  beforeAll(async () => {
    issuing = await startServer({ ACCESS_TOKEN_KEY: key, JWT_ISSUER: issuer, JWT_AUDIENCE: issuer })
  })
  afterAll(() => issuing.close())

  async function verify(token: string): Promise<string> {
    const cwd = dirname(pathOf('go.mod'))
    const settings = { ACCESS_TOKEN_KEY: key, ISSUER: issuer, AUDIENCE: issuer }
    const env = { PATH: process.env.PATH, HOME: cwd, GOPROXY: 'off', GOTOOLCHAIN: 'local', ...settings }
    const { stdout } = await promisify(execFile)(program, [...args, token], { cwd, env })
    return stdout.trim()
  }

  it('accepts those of the server', async () => {
    const { access_token } = await givenUser(issuing)
    const { body } = await issuing.send('POST', '/verify_token', { body: { token: access_token } })
    expect(await verify(access_token)).toBe(body.sub)
  })

  it.each<[string, object, { key?: string; algorithm?: jwt.Algorithm }]>([
    ['of another key', {}, { key: `${key}-of-another` }],
    ['of another issuer', { iss: 'https://other.example.com' }, {}],
    ['of another audience', { aud: 'https://other.example.com' }, {}],
    ['of another kind', { token_type: 'refresh' }, {}],
    ['of another algorithm', {}, { algorithm: 'HS512' }],
    ['that have expired', { exp: 1_700_000_000 }, {}],
    ['without an expiry', { exp: undefined }, {}],
  ])('refuses tokens %s', async (_, changes, { key: secret = key, algorithm = 'HS256' }) => {
    const { access_token } = await givenUser(issuing)
    const claims = JSON.stringify({ ...(jwt.decode(access_token) as object), ...changes })
    const token = jwt.sign(claims, secret, { algorithm, header: { alg: algorithm, typ: 'at+jwt' } })
    await expect(verify(token)).rejects.toThrow()
  })
})
