import type { NextFunction, Request, Response } from 'express'
import express from 'express'
import request from 'supertest'
import { verificationPage } from '../../../src/features/auth/pages.ts'
import { createMailbox } from '../../../src/features/mail/index.ts'
import { createMailboxPages } from '../../../src/features/mail/pages.ts'
import { passwordResetPage } from '../../../src/features/password/pages.ts'
import { securityHeaders } from '../../../src/http/headers.ts'
import { createPages } from '../../../src/http/page.ts'
import { AuthError } from '../../../src/kernel/errors.ts'
import { createMailWorld } from './mail-world.ts'

let world: Awaited<ReturnType<typeof createMailWorld>>
let app: express.Express
beforeAll(async () => {
  world = await createMailWorld()
  const mailbox = createMailbox(world)
  const broken = { path: '/broken', render: () => Promise.reject(new Error('broken')) }
  app = express()
  app.use(securityHeaders({ https: false }))
  app.use(
    createPages([
      ...createMailboxPages({ mailbox, worker: world.givenWorker(mailbox) }),
      verificationPage,
      passwordResetPage,
      broken,
    ]),
  )
  app.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => {
    response.status(error instanceof AuthError ? error.definition.status : 500).json({})
  })
})
afterAll(() => world.close())
beforeEach(() => world.db.mailboxMail.deleteMany())

const get = (path: string) => request(app).get(path)
const token = 'A'.repeat(43)
const hostile = `"><script>alert('1')</script>`

describe('GET /mailbox', () => {
  test('lists what was just queued, newest first', async () => {
    expect((await get('/mailbox')).text).toContain('There are none yet')
    await world.givenQueued('first@example.com')
    await get('/mailbox.json')
    await world.givenQueued('second@example.com')
    const { text, type } = await get('/mailbox')
    expect(type).toBe('text/html')
    expect(text.indexOf('second@example.com')).toBeGreaterThan(0)
    expect(text.indexOf('first@example.com')).toBeGreaterThan(text.indexOf('second@example.com'))
    expect(text).toContain('2026-03-01 12:00:00 UTC')
  })

  test('gives programs the links and their token', async () => {
    await world.givenQueued('ada@example.com', { name: 'Ada', token })
    const { body } = await get('/mailbox.json')
    expect(body).toEqual({
      mails: [
        {
          id: expect.any(Number),
          to: 'ada@example.com',
          subject: 'Welcome, Ada',
          text: expect.stringContaining('somebody invited you'),
          html: expect.stringContaining('<!doctype html>'),
          links: [`https://app.example.com/verify#${token}`],
          token,
          created_at: '2026-03-01T12:00:00.000Z',
        },
      ],
    })
  })

  test('shows a mail in a frame that runs nothing, and makes no markup of what is in it', async () => {
    await world.givenQueued('ada@example.com', { name: hostile, token })
    const { body } = await get('/mailbox.json')
    const { id } = body.mails[0]
    for (const path of ['/mailbox', `/mailbox/${id}`, `/mailbox/${id}/letter`]) {
      const { text, status } = await get(path)
      expect(status).toBe(200)
      expect(text).toContain('&lt;script&gt;')
      expect(text).not.toContain('<script')
    }
    const frame = await get(`/mailbox/${id}/letter`)
    expect(frame.headers['content-security-policy']).toMatch(
      /^default-src 'none'; .*frame-ancestors 'self'; sandbox allow-top/,
    )
    expect(frame.headers['content-security-policy']).not.toMatch(/allow-scripts|script-src/)
    expect(frame.text).toContain('<base target="_top">')
    expect((await get(`/mailbox/${id}`)).headers['content-security-policy']).toContain("frame-src 'self'")
  })

  test.each(['/mailbox/0', '/mailbox/99999999999', '/mailbox/x', '/mailbox/1;drop', '/mailbox/0/letter'])(
    'has nothing at %s',
    async (path) => {
      expect((await get(path)).status).toBe(404)
    },
  )

  test('keeps the newest two hundred', async () => {
    const mailbox = createMailbox(world)
    for (let number = 0; number < 205; number++) {
      await mailbox.send({ recipient: 'ada@example.com', subject: String(number), text: '', html: '' })
    }
    const kept = await mailbox.list()
    expect(kept).toHaveLength(200)
    expect([kept.at(0)?.subject, kept.at(-1)?.subject]).toEqual(['204', '5'])
  })
})

describe('pages', () => {
  test.each(['/mailbox', '/verify-email', '/reset-password'])('%s lets in nothing from elsewhere', async (path) => {
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

  test.each(['/verify-email', '/reset-password'])(
    '%s reads the token in the browser and spends it with a POST',
    async (path) => {
      const { text, status } = await get(`${path}?token=${token}`)
      expect(status).toBe(200)
      expect(text).not.toContain(token)
      expect(text).toContain("method: 'POST'")
      expect(text).toContain('history.replaceState')
    },
  )

  test('answer GET and HEAD only', async () => {
    expect((await request(app).head('/verify-email')).status).toBe(200)
    expect((await request(app).post('/verify-email').send({})).status).toBe(405)
  })

  test('hand their failures to the application', async () => {
    expect((await get('/broken')).status).toBe(500)
  })
})
