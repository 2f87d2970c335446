import { setting, settingGroup } from '../../kernel/setting.ts'
import { duration, integer, onOff } from '../../kernel/setting-types.ts'
import { parseDuration } from '../../kernel/time.ts'

const longest = { access: '1d', refresh: '366d' }

/** The longest lifetimes that tokens can be given, in seconds. Sessions keep those they were opened with. */
export const longestLifetime = {
  access: parseDuration(longest.access) ?? 0,
  refresh: parseDuration(longest.refresh) ?? 0,
}

export const sessionSettings = settingGroup('Sessions', {
  accessLifetime: setting('ACCESS_TOKEN_LIFETIME', {
    type: duration('1s', longest.access),
    default: '15m',
    meaning: 'how long an access token lives (not at `simple-jwt` and `drf`)',
  }),
  refreshLifetime: setting('REFRESH_TOKEN_LIFETIME', {
    type: duration('1s', longest.refresh),
    default: '7d',
    meaning: 'how long a session lives without a refresh (not at `simple-jwt` and `drf`)',
  }),
  sessionLifetime: setting('SESSION_LIFETIME', {
    type: duration('1s', '3660d'),
    default: '30d',
    meaning: 'how long a session lives at most, however often it is refreshed',
  }),
  refreshGrace: setting('REFRESH_GRACE', {
    type: duration('0s', '60s'),
    default: '10s',
    meaning: 'how long a used refresh token still gets the answer of its first use',
  }),
  refreshGraceUnseen: setting('REFRESH_GRACE_UNSEEN', {
    type: duration('0s', '30d'),
    default: '0s',
    meaning:
      'how long it does so while no token of that answer has been seen here, as the answer may have been lost. With `0s` only `REFRESH_GRACE` counts',
  }),
  sessionsPerUser: setting('SESSIONS_PER_USER', {
    type: integer(1, 10_000),
    default: '100',
    meaning: 'the number of sessions that a user can have at once. One more ends the session that was idle longest',
  }),
  tokensByBearer: setting('TOKENS_BY_BEARER', {
    type: onOff,
    default: 'on',
    meaning: 'whether `GET` and `POST /tokens` give a new pair of tokens for an access token alone',
  }),
})
