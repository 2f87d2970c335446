import { isIP } from 'node:net'
import type { Request } from 'express'
import { clientNetwork, plainAddress } from '../../kernel/address.ts'
import type { Caller } from '../../kernel/caller.ts'
import { isLoopback } from '../../kernel/loopback.ts'
import { withoutControlCharacters } from '../../kernel/schemas.ts'

const longestUserAgent = 512

/**
 * The address that the request came from, as far as the trusted proxies tell; an IPv4 address in one form only. Some proxies
 * add a port. A text that is no address was written by another party: it must reach neither a limit nor a mail.
 */
export function clientAddress(request: Request & { [address]?: string }): string {
  request[address] ??= readAddress(request)
  return request[address]
}

/** Where it is kept on the request: limits, callers and logs ask for it. */
const address = Symbol('client address')

function readAddress(request: Request): string {
  const told = (request.ip ?? '').replace(/^\[(.*)\](:\d+)?$/, '$1').replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1')
  return plainAddress(isIP(told) ? told : (request.socket.remoteAddress ?? ''))
}

/** Added by proxies and tunnels, for a client that is elsewhere. */
const proxyHeader =
  /^(forwarded|via|x-forwarded-.+|x-original-.+|x-real-ip|x-client-ip|true-client-ip|cf-connecting-ip)$/

/** Whether a program on this machine sent the request, and no proxy that admits to being one. */
export function isLocal({ socket, headers }: Request): boolean {
  return isLoopback(socket.remoteAddress ?? '') && !Object.keys(headers).some((name) => proxyHeader.test(name))
}

/** The caller's claims in the request. Nothing of them is proven yet. */
export function readCaller(
  request: Request,
  { requestId, traceId, device, policy }: Pick<Caller, 'requestId' | 'traceId' | 'device' | 'policy'>,
): Caller {
  const ip = clientAddress(request)
  return {
    requestId,
    traceId,
    ip,
    network: clientNetwork(ip),
    userAgent: withoutControlCharacters(request.get('user-agent') ?? '').slice(0, longestUserAgent),
    bearer: bearerToken(request),
    device,
    policy,
  }
}

/** Tokens are read from this header only (RFC 6750, section 2.1): addresses end up in logs. */
function bearerToken(request: Request): string | undefined {
  return /^Bearer +([\w.~+/-]+=*) *$/i.exec(request.get('authorization') ?? '')?.[1]
}
