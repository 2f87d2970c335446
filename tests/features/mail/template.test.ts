import { createLinks } from '../../../src/features/mail/index.ts'
import { renderMail } from '../../../src/features/mail/template.ts'

describe('renderMail', () => {
  it('renders the same content in both parts', () => {
    const { subject, text, html } = renderMail({
      subject: 'Verify your address',
      paragraphs: ['A user registered.', 'Was it you?'],
      link: { label: 'Verify', url: 'https://app.example.com/verify#token=abc' },
    })
    expect(subject).toBe('Verify your address')
    expect(text).toBe('A user registered.\n\nWas it you?\n\nVerify:\nhttps://app.example.com/verify#token=abc\n')
    expect(html).toContain('<p>A user registered.</p>\n<p>Was it you?</p>')
    expect(html).toContain('<a href="https://app.example.com/verify#token=abc"')
  })

  it('makes no markup of what is put into it', () => {
    const evil = `"><script>alert('1')</script>&amp;<img src=x onerror=alert(2)>`
    const { html } = renderMail({
      subject: evil,
      paragraphs: [evil],
      link: { label: evil, url: `https://a/${evil}` },
    })
    expect(html).not.toMatch(/<script|<img/)
    expect(html.match(/&quot;&gt;&lt;script&gt;alert\(&#39;1&#39;\)&lt;\/script&gt;&amp;amp;/g)).toHaveLength(6)
  })

  it.each(['\r\n', '\n', '\r', '\0', '\u0085', '\u2028', '\t'])('makes one line of a text that holds %j', (breaker) => {
    const { subject, text } = renderMail({ subject: `a${breaker}Bcc: b`, paragraphs: [`c${breaker}d`] })
    expect(subject).toBe('a Bcc: b')
    expect(text).toBe('c d\n')
  })
})

describe('createLinks', () => {
  it('fills the token and the uid in as the settings say', () => {
    const links = createLinks({
      verifyEmail: 'https://app.example.com/auth/verify#token={token}',
      resetPassword: 'https://app.example.com/auth/reset/{uid}/{token}/',
    })
    expect(links.verifyEmail('a-_b')).toBe('https://app.example.com/auth/verify#token=a-_b')
    expect(links.resetPassword('t', 42)).toBe('https://app.example.com/auth/reset/NDI/t/')
  })

  it('takes no placeholder, pattern or path from a token', () => {
    const links = createLinks({ verifyEmail: 'https://a/v/{token}', resetPassword: 'https://a/r/{token}/{uid}' })
    expect(links.resetPassword('{uid}$&/../x', 1)).toBe('https://a/r/%7Buid%7D%24%26%2F..%2Fx/MQ')
  })
})
