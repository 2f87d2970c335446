import { campaign } from './campaign.ts'

const name = 'keeps its promises where verification is optional'
// Jest would stop the search for the smallest case.
it(name, () => campaign(name, {}, 0.5), 2 ** 31 - 1)
