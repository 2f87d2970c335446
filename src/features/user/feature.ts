import * as endpoints from './endpoints.ts'
import { userEvents } from './events.ts'

export const user = {
  name: 'user',
  endpoints: [endpoints.readProfile, endpoints.changeProfile, endpoints.replaceProfile],
  events: userEvents,
}
