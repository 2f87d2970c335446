import type { Row } from '../contracts/contract.ts'
import type { Access } from '../contracts/endpoint.ts'
import { transportErrorsOf } from '../serving/refresh-transport.ts'
import { deviceHeader } from '../serving/trusted-device.ts'
import type { Json } from './schemas.ts'

/** How refresh tokens travel in this deployment. */
export interface DocumentedTransport {
  /** As REFRESH_TRANSPORT says. */
  readonly choice: 'client' | 'cookie' | 'body'
  /** The name of the cookie in browsers. */
  readonly cookieName: string
}

/** The ways in which tokens are shown, by the names that `securityOf` uses. */
export function securitySchemes({ choice, cookieName }: DocumentedTransport): Json {
  return {
    accessToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
    ...(choice !== 'body' && {
      refreshCookie: {
        type: 'apiKey',
        in: 'cookie',
        name: cookieName,
        description:
          'The refresh token of browsers that send "Auth-Transport: cookie", in place of the one in the body.',
      },
    }),
  }
}

/** The credentials of a request. `{}` is the refresh token in the body. */
export function securityOf(access: Access, { choice }: DocumentedTransport): readonly Json[] {
  const accessToken = { accessToken: [] }
  const cookie = choice === 'body' ? [] : [{ refreshCookie: [] }]
  const body = choice === 'cookie' ? [] : [{}]
  switch (access) {
    case 'public':
      return []
    case 'bearer':
    case 'bearer_to_read':
      return [accessToken]
    case 'refresh':
      return [...body, ...cookie]
    case 'bearer_or_refresh':
      return [accessToken, ...cookie, ...body]
  }
}

/** The header by which a request says how refresh tokens travel, where the operation heeds it. */
export function transportParameters<Needs>(row: Row<Needs>, { choice }: DocumentedTransport): readonly Json[] {
  const isHeeded = choice === 'client' ? transportErrorsOf(row).length > 0 : choice === 'cookie' && row.refreshField
  if (!isHeeded) return []
  return [
    {
      name: 'Auth-Transport',
      in: 'header',
      required: choice === 'cookie',
      schema: { type: 'string', enum: choice === 'cookie' ? ['cookie'] : ['body', 'cookie'] },
      description:
        'cookie: refresh tokens come and go in a cookie that no script reads. The request has to come from this origin or a listed one.',
    },
  ]
}

/** The header by which a program shows that it is a trusted device. */
export const deviceParameter: Json = {
  name: deviceHeader,
  in: 'header',
  required: false,
  schema: { type: 'string' },
  description:
    'The device_token that an earlier login with "remember_device": true brought: wrong passwords of untrusted clients do not keep this one out. ' +
    'Browsers have a cookie instead.',
}
