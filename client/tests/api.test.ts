import { createApi } from '../src/api.ts'

it.each([
  ['HTTPS://Auth.Example.com:443/', 'https://auth.example.com/api/v1/auth/profile'],
  ['http://auth.example.com:80', 'http://auth.example.com/api/v1/auth/profile'],
  ['https://example.com/accounts//', 'https://example.com/accounts/api/v1/auth/profile'],
])('takes %s for the server of the request to %s', (baseUrl, url) => {
  expect(createApi({ baseUrl }).isOwn(url)).toBe(true)
})

it.each([
  ['another port', 'https://example.com:8443/api/v1/auth/profile'],
  ['another host', 'https://example.com.evil.test/api/v1/auth/profile'],
  ['another path', 'https://example.com/api/v1/author'],
])('does not take a request to %s for one to the API', (_, url) => {
  expect(createApi({ baseUrl: 'https://example.com' }).isOwn(url)).toBe(false)
})
