import { accountSettings } from './auth/settings.ts'
import { djangoTokenSettings } from './django-tokens/settings.ts'
import { linkSettings, mailSettings } from './mail/settings.ts'
import { passwordSettings } from './password/settings.ts'
import { reauthenticationSettings } from './reauthentication/settings.ts'
import { sessionSettings } from './session/settings.ts'

/** The settings of all features, by the group of the configuration that holds them. They are read before the app is loaded. */
export const featureSettings = {
  sessions: sessionSettings,
  djangoTokens: djangoTokenSettings,
  reauthentication: reauthenticationSettings,
  accounts: accountSettings,
  passwords: passwordSettings,
  mail: mailSettings,
  links: linkSettings,
}
