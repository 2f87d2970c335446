import { setting, settingGroup } from '../../kernel/setting.ts'
import { duration } from '../../kernel/setting-types.ts'

export const reauthenticationSettings = settingGroup('Recent authentication', {
  after: setting('REAUTHENTICATE_AFTER', {
    // No value switches it off: a client that cannot reauthenticate logs in again.
    type: duration('30s', '1d'),
    absent: 'what each endpoint says, which is `10m`',
    meaning:
      'how long after a login or `POST /reauthenticate` a user may change the username, end another session or log out everywhere',
  }),
})
