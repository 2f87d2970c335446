import { campaign } from './campaign.ts'

const settings = {
  EMAIL_VERIFICATION: 'required',
  PASSWORD_PEPPER: 'a pepper that is long enough to be one 0123456789',
}

const name = 'keeps its promises where verification is required'
it(name, () => campaign(name, settings, 0.5), 2 ** 31 - 1)
