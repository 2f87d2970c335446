import { setting, settingGroup } from '../../kernel/setting.ts'
import { integer, keys, noSampleKeys, onOff } from '../../kernel/setting-types.ts'

export const passwordSettings = settingGroup('Passwords', {
  bcryptCost: setting('BCRYPT_COST', {
    type: integer(4, 20),
    default: '12',
    meaning: 'the work of hashing a password. One more doubles it',
    inProduction: { must: 'must be 10 or more', remedy: 'remove it to have 12', accepts: (cost) => cost >= 10 },
  }),
  minLength: setting('PASSWORD_MIN_LENGTH', {
    type: integer(8, 64),
    default: '8',
    meaning: 'the shortest password, in characters',
  }),
  peppers: setting('PASSWORD_PEPPER', {
    type: keys,
    default: '',
    secret: true,
    meaning: 'a further secret in every password hash. Of several, the first hashes and all verify',
    inProduction: noSampleKeys,
  }),
  weakDjangoHashes: setting('DJANGO_WEAK_HASHES', {
    type: onOff,
    default: 'off',
    meaning:
      'whether a login succeeds with an imported MD5, SHA-1 or crypt hash, which is replaced then. Switch it off once those users have logged in',
  }),
  hashQueue: setting('HASH_QUEUE', {
    type: integer(1, 100_000),
    default: '50',
    meaning:
      'the number of passwords that can wait to be hashed, half of them from one network. Further requests are answered 503',
  }),
})
