import { refusalOf } from '../../support/answers.ts'
import { randomUser } from '../../support/fixtures.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const credentials = randomUser()
const mistakes: readonly object[] = [
  { username: credentials.username, email: 'nobody', unheard_of: 1 },
  { ...credentials, password: 1, first_name: 'x'.repeat(200), timezone: 'Paris' },
  { ...credentials, password: 'short', username: '' },
  { ...credentials, first_name: '\u0007', last_name: '\ud800' },
  { ...credentials, first_name: '\u202eada', last_name: '\u200d' },
  { ...credentials, password: 'password' },
  { ...credentials, password: '70918264357' },
  { ...credentials, password: credentials.username },
  ...['020 7946 0018', '+999 123456', '+44 20', '+44 20 7946 0018 12345678'].map((phone_number) => ({
    ...credentials,
    phone_number,
  })),
]

describe('GET /problems', () => {
  it('explains each code that errors[] can hold, and no other', async () => {
    const met = new Set<string>()
    for (const body of mistakes) {
      const answer = await server.send('POST', '/register_credentials', { body })
      expect(refusalOf(answer)).toMatch(/^400 invalid_request #/)
      for (const { code } of answer.body.errors) met.add(code)
    }
    const { text } = await server.send('GET', '//problems')
    const [, ofFields = ''] = text.split('<h2>')
    const listed = [...ofFields.matchAll(/<td><code>(\w+)<\/code><\/td><td>[^<]{10,}<\/td>/g)].map(([, code]) => code)
    expect(listed).toEqual([...met].sort())
  })
})
