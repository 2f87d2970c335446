import type { Request, Response } from 'express'
import express from 'express'
import { AuthError, invalidRequest, requestErrors } from '../../kernel/errors.ts'
import { jsonKind } from '../contracts/validate.ts'
import { parseMultipart, parseUrlEncoded } from './form.ts'
import { isFromForeignPage } from './page-origin.ts'

const mostBytes = 16 * 1024
const readRaw = express.raw({ type: () => true, limit: mostBytes, inflate: false })
const mediaTypes = {
  json: /^application\/json\s*(?:;|$)/i,
  urlEncoded: /^application\/x-www-form-urlencoded\s*(?:;|$)/i,
  multipart: /^multipart\/form-data\s*(?:;|$)/i,
}
/** Each charset that is named, for parsers disagree which of several counts. */
const charsets = /;\s*charset\s*=([^;]*)/gi
/** JSON is UTF-8 (RFC 8259), which has ASCII in it; of forms nothing else is read, either. */
const readableCharset = /^\s*"?(?:utf-?8|us-ascii)"?\s*$/i
const utf8 = new TextDecoder('utf-8', { fatal: true })

interface Body {
  readonly fields: Record<string, unknown>
  readonly isForm: boolean
}

/** Where forms are accepted as well as JSON, and from whom. */
export interface FormRules {
  readonly takesForms: boolean
  readonly listedOrigins: readonly string[]
}

/** The fields of a JSON object or a form in the body; none when there is no body. */
export async function readBody(request: Request, response: Response, rules: FormRules): Promise<Body> {
  if (Number(request.get('content-length')) > mostBytes) {
    // Not read to its end first: the connection is given up.
    response.set('Connection', 'close')
    throw new AuthError(requestErrors.body_too_large)
  }
  await new Promise<void>((resolve, reject) => {
    readRaw(request, response, (error?: unknown) => (error === undefined ? resolve() : reject(error)))
  })
  const bytes: unknown = request.body
  if (!Buffer.isBuffer(bytes) || bytes.length === 0) return { fields: {}, isForm: false }
  const type = request.get('content-type') ?? ''
  if (!hasReadableCharset(type)) throw new AuthError(requestErrors.unsupported_media_type)
  if (mediaTypes.json.test(type)) return { fields: jsonFields(bytes), isForm: false }
  return { fields: formFields(bytes, type, request, rules), isForm: true }
}

/** Parameters other than a charset mean nothing for JSON. */
function hasReadableCharset(type: string): boolean {
  return [...type.matchAll(charsets)].every(([, charset = '']) => readableCharset.test(charset))
}

function jsonFields(bytes: Buffer): Record<string, unknown> {
  const value = parseJson(bytes)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalidRequest([
      { path: [], code: 'invalid_type', detail: 'must be a JSON object', received: jsonKind(value) },
    ])
  }
  return value as Record<string, unknown>
}

/** Any page can have a browser send a form, without a preflight: one of another site could log its visitors in as another user. */
function formFields(
  bytes: Buffer,
  type: string,
  { headers }: Request,
  { takesForms, listedOrigins }: FormRules,
): Record<string, unknown> {
  const isMultipart = mediaTypes.multipart.test(type)
  if (!takesForms || !(isMultipart || mediaTypes.urlEncoded.test(type))) {
    throw new AuthError(requestErrors.unsupported_media_type)
  }
  if (isFromForeignPage(headers, listedOrigins)) throw new AuthError(requestErrors.cross_site_form)
  try {
    return isMultipart ? parseMultipart(bytes, type) : parseUrlEncoded(bytes)
  } catch {
    throw new AuthError(requestErrors.malformed_form)
  }
}

/** The fields of the query string; one that is given several times is a list. Malformed UTF-8 in it is refused like in a body. */
export function readQuery(request: Request): Record<string, unknown> {
  const query = /\?(.*)$/s.exec(request.originalUrl)?.[1] ?? ''
  try {
    decodeURIComponent(query)
  } catch {
    throw new AuthError(requestErrors.invalid_request)
  }
  const values = new Map<string, string[]>()
  for (const [name, value] of new URLSearchParams(query)) {
    const others = values.get(name)
    if (others) others.push(value)
    else values.set(name, [value])
  }
  return Object.fromEntries([...values].map(([name, all]) => [name, all.length === 1 ? all[0] : all]))
}

/** Express' own JSON parser replaces invalid UTF-8 silently: two different passwords could become one. */
function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(utf8.decode(bytes))
  } catch {
    throw new AuthError(requestErrors.malformed_json)
  }
}
