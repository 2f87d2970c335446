import { availableParallelism } from 'node:os'
import { isLoopback } from '../kernel/loopback.ts'
import { setting, settingGroup } from '../kernel/setting.ts'
import { hostName, integer, oneOf, onOff, settingType } from '../kernel/setting-types.ts'
import { frontendUrl, headerNames, origins, siteData } from './frontend-types.ts'
import { baseUrl, listeningPlace, proxies, redisUrl } from './network-types.ts'

const https = { must: 'must be an https address', accepts: (address: string) => !address.startsWith('http:') }

const offInProduction = { development: 'on', production: 'off' }

function requestsPerMinute<Name extends string>(name: Name, requests: string, meaning: string) {
  return setting(name, {
    type: integer(0, 100_000),
    default: requests,
    meaning,
    inProduction: {
      must: 'must be 1 or more',
      remedy: 'remove it to have the usual limit',
      accepts: (limit) => limit > 0,
    },
  })
}

const mostWorkers = 64

const workerCount = settingType(`a whole number from 1 to ${mostWorkers}, or auto`, (text): number | undefined => {
  if (text.toLowerCase() === 'auto') return Math.min(availableParallelism(), mostWorkers)
  const count = /^\d{1,2}$/.test(text) ? Number(text) : 0
  return count >= 1 && count <= mostWorkers ? count : undefined
})

export const processSettings = settingGroup('The process', {
  mode: setting('NODE_ENV', {
    type: oneOf('development', 'test', 'production'),
    default: 'development',
    meaning: 'the purpose of the server. In production it does not start without the settings that it needs',
  }),
  logLevel: setting('LOG_LEVEL', {
    type: oneOf('debug', 'info', 'warn', 'error', 'silent'),
    default: 'info',
    meaning: 'the least important messages that are logged',
  }),
  workers: setting('WEB_CONCURRENCY', {
    type: workerCount,
    default: '1',
    meaning:
      'the number of worker processes that serve the port together, with `auto` one for each core. Each has `DATABASE_POOL` connections',
  }),
})

export const serverSettings = settingGroup('Addresses, browsers and limits', {
  port: setting('PORT', {
    type: listeningPlace,
    default: '3000',
    meaning:
      'the port to listen on, where 0 lets the system choose one; or the path of a Unix socket; or `systemd`, for the socket that it hands over. With 0 and sockets `PUBLIC_URL` must be set, and with Unix sockets `TRUST_PROXY` too, to a number',
  }),
  host: setting('HOST', {
    type: hostName,
    default: { development: '127.0.0.1', production: '0.0.0.0' },
    meaning:
      'the address to listen on. Outside production this, `PUBLIC_URL` and `FRONTEND_URL` must be this machine, such as localhost, unless `EMAIL_HOST` is set',
  }),
  publicUrl: setting('PUBLIC_URL', {
    type: baseUrl,
    absent: '`http://localhost:PORT`',
    meaning:
      'the address by which clients reach this server. Outside production only requests to its host and to localhost are answered',
    neededInProduction: true,
    inProduction: https,
  }),
  frontendUrl: setting('FRONTEND_URL', {
    type: frontendUrl,
    absent: '`PUBLIC_URL`, where this server has its demo application or small pages, which need `v1` in `CONTRACTS`',
    meaning: 'the address that the links in mails lead to',
    neededInProduction: true,
    inProduction: https,
  }),
  corsOrigins: setting('CORS_ORIGINS', {
    type: origins,
    absent: 'the origin of `FRONTEND_URL`',
    meaning: 'the origins whose pages can call this server',
    inProduction: {
      must: 'must hold https origins (http for this machine only)',
      remedy: 'write https, as http pages can be changed on their way',
      accepts: (listed) =>
        !listed.some((origin) => origin.startsWith('http:') && !isLoopback(new URL(origin).hostname)),
    },
  }),
  corsHeaders: setting('CORS_HEADERS', {
    type: headerNames,
    default: '',
    meaning: 'the request headers that their pages can send beside the usual ones',
  }),
  trustProxy: setting('TRUST_PROXY', {
    type: proxies,
    default: '0',
    meaning: 'the proxies whose forwarded headers count. With 0 no forwarded header counts',
  }),
  rateLimits: setting('RATE_LIMITS', {
    type: onOff,
    default: 'on',
    meaning: 'whether the requests of each client are limited',
    inProduction: { must: 'must not be off', remedy: 'remove it', accepts: (isOn) => isOn },
  }),
  requestsPerMinute: {
    costly: requestsPerMinute(
      'RATE_LIMIT_PASSWORDS',
      '30',
      'the requests a minute that one client can send to each endpoint that takes a password or sends mail. 0 means any number',
    ),
    change: requestsPerMinute(
      'RATE_LIMIT_CHANGES',
      '120',
      'the same for each endpoint that refreshes, checks a token, logs out or changes something else',
    ),
    read: requestsPerMinute('RATE_LIMIT_READS', '600', 'the same for each endpoint that reads'),
  },
  redisUrl: setting('REDIS_URL', {
    type: redisUrl,
    absent: 'each instance counts for itself',
    secret: true,
    meaning: 'the Redis where all instances count requests together',
  }),
  refreshTransport: setting('REFRESH_TRANSPORT', {
    type: oneOf('client', 'cookie', 'body'),
    default: 'client',
    meaning: 'how refresh tokens travel. With `client` each client chooses by the header `Auth-Transport`',
  }),
  cookies: {
    sameSite: setting('COOKIE_SAMESITE', {
      type: oneOf('strict', 'lax', 'none'),
      default: 'strict',
      meaning:
        "the requests of other sites' pages with which browsers send the cookies: none of them, those of a link that leads here (`lax`), or all (`none`, for a frontend on another site, and only with https). A page must be of a listed origin in any case",
    }),
    partitioned: setting('COOKIE_PARTITIONED', {
      type: onOff,
      absent: '`on` with `COOKIE_SAMESITE=none`, which it needs, otherwise `off`',
      meaning: 'whether browsers keep the cookies apart for each site that the frontend is on',
    }),
  },
  clearSiteData: setting('CLEAR_SITE_DATA', {
    type: siteData,
    default: '',
    meaning:
      "the data of this server's origin that a logout tells browsers to clear, including that of a frontend there",
  }),
  docs: setting('DOCS', {
    type: onOff,
    default: offInProduction,
    meaning: 'whether the documentation of all contracts is at `/docs`',
  }),
})

export const metricsSettings = settingGroup('Monitoring', {
  port: setting('METRICS_PORT', {
    type: integer(1, 65_535),
    absent: 'nothing is measured',
    meaning: 'the port where `/metrics` tells Prometheus how much goes on and how fast, apart from the port of clients',
  }),
  host: setting('METRICS_HOST', {
    type: hostName,
    default: '127.0.0.1',
    meaning: 'the address to listen on for it. Every program that reaches it can read the counts',
  }),
})
