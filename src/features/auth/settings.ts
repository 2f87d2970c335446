import { setting, settingGroup } from '../../kernel/setting.ts'
import { oneOf } from '../../kernel/setting-types.ts'

export const accountSettings = settingGroup('Accounts', {
  emailVerification: setting('EMAIL_VERIFICATION', {
    type: oneOf('optional', 'required'),
    default: 'optional',
    meaning: 'whether only users whose address is verified can log in and use a session',
  }),
})
