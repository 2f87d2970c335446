import * as endpoints from './endpoints.ts'

export const user = {
  name: 'user',
  endpoints: [endpoints.readProfile, endpoints.changeProfile, endpoints.replaceProfile],
}
