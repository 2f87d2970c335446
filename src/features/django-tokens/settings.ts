import { postgresUrl } from '../../kernel/postgres-url.ts'
import { setting, settingGroup } from '../../kernel/setting.ts'
import { anyText, list, onOff, settingType } from '../../kernel/setting-types.ts'

const algorithms = ['HS256', 'HS384', 'HS512', 'RS256'] as const

export const djangoTokenSettings = settingGroup('Tokens of Django', {
  keys: setting('DJANGO_SECRET_KEY', {
    // Any length, and samples too: the key is whatever Django has.
    type: list('keys separated by commas', (key) => key !== ''),
    default: '',
    absent: 'no token of Django is accepted',
    secret: true,
    meaning:
      'the `SIGNING_KEY` of SimpleJWT, which is the `SECRET_KEY` of Django where it is not set, or its `VERIFYING_KEY` in PEM with RS256. Refresh tokens that Django signed with one of the keys are swapped for sessions',
  }),
  algorithm: setting('DJANGO_ALGORITHM', {
    type: settingType(`one of: ${algorithms.join(', ')}`, (text) => algorithms.find((name) => name === text)),
    default: 'HS256',
    meaning: 'the `ALGORITHM` of SimpleJWT',
  }),
  userIdClaim: setting('DJANGO_USER_ID_CLAIM', {
    type: anyText,
    default: 'user_id',
    meaning:
      'the `USER_ID_CLAIM` of SimpleJWT. It has to hold the primary key of the user, as `import django` brought it',
  }),
  tokenTypeClaim: setting('DJANGO_TOKEN_TYPE_CLAIM', {
    type: anyText,
    default: 'token_type',
    meaning: 'the `TOKEN_TYPE_CLAIM` of SimpleJWT',
  }),
  jtiClaim: setting('DJANGO_JTI_CLAIM', {
    type: anyText,
    default: 'jti',
    meaning: 'the `JTI_CLAIM` of SimpleJWT',
  }),
  issuer: setting('DJANGO_ISSUER', {
    type: anyText,
    absent: 'any issuer is accepted',
    meaning: 'the `ISSUER` of SimpleJWT',
  }),
  audiences: setting('DJANGO_AUDIENCE', {
    type: list('names separated by commas', (name) => name !== ''),
    default: '',
    absent: 'any audience is accepted',
    meaning: 'the `AUDIENCE` of SimpleJWT. Of several, one has to be in the token',
  }),
  accessTokens: setting('DJANGO_ACCESS_TOKENS', {
    type: onOff,
    default: 'off',
    meaning:
      'whether access tokens of Django are accepted until they expire, by endpoints that read and change nothing',
  }),
  databaseUrl: setting('DJANGO_DATABASE_URL', {
    type: postgresUrl,
    absent: 'the blacklist is the one that was imported, and Django is not told which tokens are spent here',
    secret: true,
    meaning:
      'the PostgreSQL of Django. Its blacklist is asked before a token is swapped, and gets each token that is spent here. While it cannot be asked, no token of Django is swapped',
  }),
  writePasswords: setting('DJANGO_WRITE_PASSWORDS', {
    type: onOff,
    default: 'off',
    meaning:
      'whether a password that an imported user gets here is written to `DJANGO_DATABASE_URL` too, in the format of Django. While that database does not answer, such a change is answered 503',
  }),
  userTable: setting('DJANGO_USER_TABLE', {
    type: anyText,
    absent: 'the one with the columns `password` and `last_login`',
    meaning: 'the table of users in `DJANGO_DATABASE_URL`',
  }),
})
