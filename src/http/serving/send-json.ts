import type { Response } from 'express'

/** Answers with JSON, in one piece with the header fields: Express looks for what to add to them, and sends longer texts apart. */
export function sendJson(response: Response, body: unknown): void {
  const text = JSON.stringify(body)
  response.setHeader('Content-Type', 'application/json; charset=utf-8')
  response.setHeader('Content-Length', Buffer.byteLength(text))
  response.end(response.req.method === 'HEAD' ? undefined : text)
}
