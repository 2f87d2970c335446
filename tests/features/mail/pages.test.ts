import { refusalOf } from '../../support/answers.ts'
import { givenUser } from '../../support/fixtures.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer({}, { mailbox: true })
})
afterAll(() => server.close())
beforeEach(() => server.database.db.mailboxMail.deleteMany())

const get = (path: string) => server.send('GET', `/${path}`)
const token = 'A'.repeat(43)
const hostile = `"><script>alert('1')</script>`
const deliver = (subject: string) =>
  server.services.mailbox?.send({
    id: 'a-mail',
    recipient: 'ada@example.com',
    subject,
    text: `Hello ${hostile}`,
    html: `<!doctype html><html><head></head><body>${subject.replaceAll('<', '&lt;')}</body></html>`,
  })

describe('GET /mailbox', () => {
  it('lists what was just queued, newest first', async () => {
    expect((await get('/mailbox')).text).toContain('There are none yet')
    const [first, second] = [await givenUser(server), await givenUser(server)]
    const { text, type } = await get('/mailbox')
    expect(type).toBe('text/html')
    expect(text.indexOf(second.email)).toBeGreaterThan(0)
    expect(text.indexOf(first.email)).toBeGreaterThan(text.indexOf(second.email))
    expect(text).toContain(`${server.now().toISOString().slice(0, 10)} `)
    expect(text).toMatch(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/)
  })

  it('lists mails of the same moment in the order in which they were queued, newest first', async () => {
    const users = []
    for (let count = 0; count < 12; count++) users.push(await givenUser(server))
    const { mails } = (await get('/mailbox.json')).body
    expect(mails.map(({ to }: { to: string }) => to)).toEqual(users.map(({ email }) => email).reverse())
  })

  it('gives programs the links and their token, which works', async () => {
    const { email } = await givenUser(server)
    const { mails } = (await get('/mailbox.json')).body
    expect(mails).toEqual([
      {
        id: expect.any(Number),
        to: email,
        subject: 'Verify your e-mail address',
        text: expect.stringContaining(mails[0].links[0]),
        html: expect.stringContaining('<!doctype html>'),
        links: [`http://localhost:3000/verify-email#token=${mails[0].token}`],
        token: expect.stringMatching(/^[\w-]{43}$/),
        created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      },
    ])
    const verified = await server.send('POST', '/verify_email', { body: { token: mails[0].token } })
    expect(verified.status).toBe(200)
  })

  it('shows a mail in a frame that runs nothing, and makes no markup of what is in it', async () => {
    await deliver(hostile)
    const { id } = (await get('/mailbox.json')).body.mails[0]
    for (const path of ['/mailbox', `/mailbox/${id}`, `/mailbox/${id}/message`]) {
      const { text, status } = await get(path)
      expect(status).toBe(200)
      expect(text).toContain('&lt;script')
      expect(text).not.toContain('<script')
    }
    const frame = await get(`/mailbox/${id}/message`)
    expect(frame.headers['content-security-policy']).toMatch(
      /^default-src 'none'; .*frame-ancestors 'self'; sandbox allow-top/,
    )
    expect(frame.headers['content-security-policy']).not.toMatch(/allow-scripts|script-src/)
    expect(frame.text).toContain('<base target="_top">')
    expect((await get(`/mailbox/${id}`)).headers['content-security-policy']).toContain("frame-src 'self'")
  })

  // A reverse proxy on the same machine gave every reset token to any client.
  it.each([
    ['X-Forwarded-For', '198.51.100.7'],
    ['X-Forwarded-Proto', 'https'],
    ['Forwarded', 'for=198.51.100.7'],
    ['Via', '1.1 proxy'],
    ['X-Real-IP', '127.0.0.1'],
    ['CF-Connecting-IP', '198.51.100.7'],
  ])('shows nothing to a request that came through a proxy: %s', async (name, value) => {
    await deliver('A mail')
    const { id } = (await get('/mailbox.json')).body.mails[0]
    for (const path of ['/mailbox', '/mailbox.json', `/mailbox/${id}`, `/mailbox/${id}/message`]) {
      const answer = await server.send('GET', `/${path}`, { headers: { [name]: value } })
      expect(refusalOf(answer)).toBe('403 local_only')
    }
  })

  it.each(['/mailbox/0', '/mailbox/99999999999', '/mailbox/x', '/mailbox/1;drop', '/mailbox/0/message'])(
    'has nothing at %s',
    async (path) => {
      expect(refusalOf(await get(path))).toBe('404 not_found')
    },
  )

  it('keeps the newest two hundred', async () => {
    for (let number = 0; number < 205; number += 1) await deliver(String(number))
    const subjects = (await get('/mailbox.json')).body.mails.map(({ subject }: { subject: string }) => subject)
    expect(subjects).toEqual(Array.from({ length: 200 }, (_, index) => String(204 - index)))
  })
})

describe('pages', () => {
  it.each(['/mailbox', '/verify-email', '/reset-password'])('%s loads nothing from elsewhere', async (path) => {
    const { headers, text } = await get(path)
    const policy = headers['content-security-policy'] ?? ''
    for (const rule of ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"]) {
      expect(policy).toContain(rule)
    }
    expect(policy).not.toMatch(/unsafe|\*|https?:/)
    expect(headers['cache-control']).toBe('no-store')
    expect(headers['referrer-policy']).toBe('no-referrer')
    expect(text).not.toMatch(/(src|href)="(https?:)?\/\//)
  })

  it.each(['/verify-email', '/reset-password'])(
    '%s reads the token in the browser and spends it with a POST',
    async (path) => {
      const { text, status } = await get(`${path}?token=${token}`)
      expect(status).toBe(200)
      expect(text).not.toContain(token)
      expect(text).toMatch(/send\('POST', |data-method="POST"/)
      expect(text).toContain('history.replaceState')
    },
  )

  it('answer GET and HEAD only', async () => {
    expect((await server.send('HEAD', '//verify-email')).status).toBe(200)
    expect(refusalOf(await server.send('POST', '//verify-email', { body: {} }))).toBe('405 method_not_allowed')
  })

  it('that fail are internal errors like any other', async () => {
    await server.database.db.$executeRaw`ALTER TABLE mailbox_mails RENAME TO hidden`
    expect(refusalOf(await get('/mailbox'))).toBe('500 internal_error')
    await server.database.db.$executeRaw`ALTER TABLE hidden RENAME TO mailbox_mails`
    expect((await get('/mailbox')).status).toBe(200)
  })
})
