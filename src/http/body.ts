import type { Request, Response } from 'express'
import express from 'express'
import { AuthError, invalidRequest, requestErrors } from '../kernel/errors.ts'
import { jsonKind } from './validate.ts'

const mostBytes = 16 * 1024
const readRaw = express.raw({ type: () => true, limit: mostBytes, inflate: false })
const json = /^application\/json\s*(?:;|$)/i
/** Each charset that is named, for parsers disagree which of several counts. */
const charsets = /;\s*charset\s*=([^;]*)/gi
/** JSON is UTF-8 (RFC 8259), which has ASCII in it. */
const readableCharset = /^\s*"?(?:utf-?8|us-ascii)"?\s*$/i
const utf8 = new TextDecoder('utf-8', { fatal: true })

/** The fields of a JSON object in the body; none when there is no body. */
export async function readFields(request: Request, response: Response): Promise<Record<string, unknown>> {
  if (Number(request.get('content-length')) > mostBytes) {
    // Not read to its end first: the connection is given up.
    response.set('Connection', 'close')
    throw new AuthError(requestErrors.body_too_large)
  }
  await new Promise<void>((resolve, reject) => {
    readRaw(request, response, (error?: unknown) => (error === undefined ? resolve() : reject(error)))
  })
  const bytes: unknown = request.body
  if (!Buffer.isBuffer(bytes) || bytes.length === 0) return {}
  if (!isReadableJson(request.get('content-type') ?? '')) {
    throw new AuthError(requestErrors.unsupported_media_type)
  }
  const value = parseJson(bytes)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalidRequest([
      { path: [], code: 'invalid_type', detail: 'must be a JSON object', received: jsonKind(value) },
    ])
  }
  return value as Record<string, unknown>
}

/** Parameters other than a charset mean nothing for JSON. */
function isReadableJson(type: string): boolean {
  return json.test(type) && [...type.matchAll(charsets)].every(([, charset = '']) => readableCharset.test(charset))
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
