import type { RequestListener } from 'node:http'
import { IncomingMessage, ServerResponse } from 'node:http'
import type { Express, Request, Response } from 'express'

/** A request of the HTTP server, with what Express adds to it. */
export class ServedRequest extends IncomingMessage {}

/** A response of the HTTP server, with what Express adds to it. */
export class ServedResponse<Received extends IncomingMessage = IncomingMessage> extends ServerResponse<Received> {}

/**
 * The app as a listener, whose requests and responses have the prototypes of Express from the beginning. Express would
 * change those of each: V8 then makes new hidden classes for each, which takes half the CPU time of Express and fills the
 * old generation with 10 kB a request. What Express refuses before it routes is refused by `refuse`.
 */
export function createListener(app: Express, refuse: (response: ServerResponse) => void): RequestListener {
  // The prototypes of an app add only `app` to those of Express, so they are left out.
  Object.setPrototypeOf(ServedRequest.prototype, Object.getPrototypeOf(app.request))
  Object.setPrototypeOf(ServedResponse.prototype, Object.getPrototypeOf(app.response))
  app.request = ServedRequest.prototype as Request
  app.response = ServedResponse.prototype as Response
  return (request, response) => {
    Object.assign(request, { app })
    Object.assign(response, { app })
    app(request as Request, response as Response, () => refuse(response))
  }
}
