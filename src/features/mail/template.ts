import { escapeHtml } from '../../kernel/html.ts'
import type { Mail } from '../../kernel/ports.ts'
import { onOneLine } from '../../kernel/schemas.ts'

/** The text of a mail before it is rendered. A paragraph is one line. */
export interface MailText {
  readonly subject: string
  readonly paragraphs: readonly string[]
  readonly link?: { readonly label: string; readonly url: string }
}

/** The values that fill a template. The outbox stores them as JSON, so they are JSON's plain values. */
export type MailValues = Readonly<Record<string, string | number | boolean | null>>

/** A kind of mail. Queued mails are stored with its name, which must therefore stay the same in later versions. */
export interface MailTemplate<Values> {
  readonly name: string
  /** The age in seconds at which a mail is not worth sending any more; three days when absent. */
  readonly staleAfterSeconds?: number
  readonly write: (values: Values) => MailText
}

export function defineMailTemplate<Values extends MailValues>(template: MailTemplate<Values>): MailTemplate<Values> {
  return Object.freeze(template)
}

const bodyStyle =
  "margin:0;padding:24px 12px;background:#f3f4f6;color:#1f2937;font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif"
const cardStyle = 'max-width:34em;margin:0 auto;padding:24px;background:#ffffff;border-radius:8px'
const buttonStyle =
  'display:inline-block;padding:10px 20px;background:#1d4ed8;color:#ffffff;border-radius:6px;text-decoration:none;font-weight:600'
const smallStyle = 'font-size:13px;color:#4b5563;overflow-wrap:anywhere'

/** Turns a template's text into the parts of a mail. */
export function renderMail({ subject, paragraphs, link }: MailText): Omit<Mail, 'id' | 'recipient'> {
  // A line break in a subject would begin a header, which an attacker could choose.
  const title = onOneLine(subject)
  const lines = paragraphs.map(onOneLine)
  return {
    subject: title,
    text: `${[...lines, ...(link ? [`${onOneLine(link.label)}:\n${link.url}`] : [])].join('\n\n')}\n`,
    html: [
      '<!doctype html>',
      '<html lang="en">',
      `<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(title)}</title></head>`,
      `<body style="${bodyStyle}">`,
      `<div style="${cardStyle}">`,
      ...lines.map((line) => `<p>${escapeHtml(line)}</p>`),
      ...(link ? htmlLink(onOneLine(link.label), link.url) : []),
      '</div>',
      '</body>',
      '</html>\n',
    ].join('\n'),
  }
}

function htmlLink(label: string, url: string): string[] {
  const address = escapeHtml(url)
  return [
    `<p><a href="${address}" style="${buttonStyle}">${escapeHtml(label)}</a></p>`,
    `<p style="${smallStyle}">If the button does not work, open this address:<br><a href="${address}">${address}</a></p>`,
  ]
}
