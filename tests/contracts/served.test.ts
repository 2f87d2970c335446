import { describeDisagreement } from '../../src/contracts/policy.ts'
import { contractNames } from '../../src/kernel/policy.ts'
import { readConfig } from '../../src/settings/config.ts'
import { refusalOf } from '../support/answers.ts'
import { targets } from '../support/endpoints.ts'
import { django, foreignRefusalOf } from '../support/error-formats.ts'
import { givenUser } from '../support/fixtures.ts'
import { call } from '../support/foreign.ts'
import { withServer } from '../support/server.ts'

describe('CONTRACTS', () => {
  it('switches the others off: their paths and pages do not exist', () =>
    withServer({ CONTRACTS: 'v1,drf' }, async (server) => {
      for (const { contract, method, path } of targets) {
        const answer = await call(server, { method, path, headers: { Accept: 'text/html' } })
        if (['v1', 'drf'].includes(contract)) expect([path, answer.status]).not.toEqual([path, 404])
        else expect([path, refusalOf(answer)]).toEqual([path, '404 not_found'])
      }
      expect(foreignRefusalOf(await call(server, { method: 'GET', path: '/api/v1/drf/auth/x' }))).toBe(django.notFound)
    }))

  it('leaves paths below a contract that is off to the contract around it', () =>
    withServer({ CONTRACTS: 'simple-jwt', FRONTEND_URL: 'https://app.example.com' }, async (server) => {
      for (const path of ['/api/auth/login/', '/api/v1/auth/login_credentials', '/api/v1/drf/auth/me/']) {
        expect(foreignRefusalOf(await call(server, { method: 'POST', path, body: {} }))).toBe(django.notFound)
      }
      expect(refusalOf(await call(server, { method: 'GET', path: '/nowhere' }))).toBe('404 not_found')
    }))

  it('serves all of them by default', () =>
    withServer({}, async (server) => {
      for (const { contract, method, path, pattern } of targets) {
        const { status, headers } = await call(server, { method, path, ...(method !== 'GET' && { body: {} }) })
        expect([contract, pattern, status]).not.toEqual([contract, pattern, 404])
        expect([headers.deprecation, headers.sunset]).toEqual([undefined, undefined])
      }
    }))

  it('logs the contract that a request came through', () =>
    withServer({}, async (server) => {
      for (const { contract, name, pattern, method, path } of targets) {
        await call(server, { method, path, ...(method !== 'GET' && { body: {} }) })
        const line = JSON.parse(server.logged.at(-1) ?? '{}')
        expect(line).toMatchObject({ contract, endpoint: name, path: pattern })
      }
    }))

  it.each(['rest', 'v1;drf', 'V1', 'v1,,x', '__proto__'])(
    'is refused by name at the start when it is "%s"',
    (CONTRACTS) => {
      const names = contractNames.join(', ')
      expect(() => readConfig({ CONTRACTS })).toThrow(`- CONTRACTS must be names separated by commas, of: ${names}`)
    },
  )
})

describe('contracts that disagree about what they hide', () => {
  const told = (settings: Record<string, string>) => describeDisagreement(readConfig(settings))

  it('are named, with the settings that resolve it', () => {
    expect(told({ CONTRACTS: 'v1,rest-auth,simple-jwt,drf' })).toBe(
      'registering through v1, drf, simple-jwt tells which addresses have an account, and rest-auth hides it; ' +
        'set EMAIL_VERIFICATION=required, or CONTRACTS=v1,drf,simple-jwt or CONTRACTS=rest-auth',
    )
    expect(told({ CONTRACTS: 'rest-auth,simple-jwt', FRONTEND_URL: 'http://localhost' })).toMatch(
      /through simple-jwt tells .* and rest-auth hides it; .* CONTRACTS=simple-jwt or CONTRACTS=rest-auth$/,
    )
  })

  it('are not named where they agree', () => {
    for (const settings of [
      { EMAIL_VERIFICATION: 'required' },
      { CONTRACTS: 'v1,drf,simple-jwt' },
      { CONTRACTS: 'rest-auth', FRONTEND_URL: 'http://localhost' },
    ]) {
      expect(told(settings)).toBeUndefined()
    }
  })
})

describe('CONTRACT_SUNSET', () => {
  const announced = ['@1795219200', 'Wed, 30 Jun 2027 00:00:00 GMT']

  it.each(['rest-auth', 'simple-jwt', 'drf'])(
    'is sent with every answer of %s, refusals too, and of no other',
    (name) =>
      withServer({ CONTRACT_SUNSET: `${name}=2027-06-30` }, async (server) => {
        const told = ({ headers }: Awaited<ReturnType<typeof call>>) => [headers.deprecation, headers.sunset]
        const { access_token: token } = await givenUser(server)
        for (const { contract, method, path, pattern, hasBody } of targets) {
          const withBody = hasBody && { body: {} }
          const answers = [
            await call(server, { method, path, token, ...withBody }),
            await call(server, { method, path, ...withBody }),
            await call(server, { method: 'PROPFIND', path }),
            await call(server, { method: 'GET', path, headers: { Accept: 'text/html' } }),
            await call(server, { method, path: `${path}nowhere/at/all` }),
          ]
          const expected = contract === name ? announced : [undefined, undefined]
          for (const answer of answers) expect([pattern, ...told(answer)]).toEqual([pattern, ...expected])
        }
        expect(told(await call(server, { method: 'GET', path: '/healthz' }))).toEqual([undefined, undefined])
      }),
  )

  it('is sent with refusals of a limit', () =>
    withServer({ CONTRACT_SUNSET: 'drf=2027-06-30', RATE_LIMITS: 'on' }, async (server) => {
      let answer = await call(server, { method: 'POST', path: '/api/v1/drf/auth/login/', body: {} })
      while (answer.status !== 429)
        answer = await call(server, { method: 'POST', path: '/api/v1/drf/auth/login/', body: {} })
      expect([answer.headers.deprecation, answer.headers.sunset]).toEqual(announced)
    }))

  it.each([
    'drf',
    'drf=',
    'drf=soon',
    'drf=2027-02-30',
    'drf=2027-6-3',
    'x=2027-06-30',
    'drf=2027-06-30;v1=2027-06-30',
    'drf=2027-06-30=x',
  ])('is refused by name at the start when it is "%s"', (CONTRACT_SUNSET) => {
    expect(() => readConfig({ CONTRACT_SUNSET })).toThrow(/- CONTRACT_SUNSET must be days such as drf=2027-06-30/)
  })

  it('is refused by name at the start when it gives one contract two days', () => {
    const CONTRACT_SUNSET = 'drf=2027-06-30,v1=2028-06-30,drf=2027-12-31'
    expect(() => readConfig({ CONTRACT_SUNSET })).toThrow(/- CONTRACT_SUNSET must be days .*, one for each contract/)
  })
})
