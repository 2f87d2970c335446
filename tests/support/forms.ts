import type { Sent } from './exchange.ts'

const boundary = 'a-boundary-of-ours'

/** A part of a form; the third is the name of a file. */
export type Part = readonly [name: string, value: string | Buffer, filename?: string]

type Encoded = Required<Pick<Sent, 'body'>> & { readonly headers: Readonly<Record<string, string>> }

export function urlEncoded(parts: readonly Part[]): Encoded {
  const body = new URLSearchParams(parts.map(([name, value]): [string, string] => [name, String(value)])).toString()
  return { headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body }
}

export function multipart(parts: readonly Part[]): Encoded {
  const chunks = parts.flatMap(([name, value, filename]) => {
    const file = filename === undefined ? '' : `; filename="${filename}"\r\nContent-Type: text/plain`
    return [`--${boundary}\r\nContent-Disposition: form-data; name="${name}"${file}\r\n\r\n`, value, '\r\n']
  })
  return {
    headers: { 'Content-Type': `multipart/form-data; boundary=${boundary}` },
    body: Buffer.concat([...chunks, `--${boundary}--\r\n`].map((chunk) => Buffer.from(chunk))),
  }
}

/** Both form encodings of browsers. */
export const formKinds = [
  ['application/x-www-form-urlencoded', urlEncoded],
  ['multipart/form-data', multipart],
] as const
