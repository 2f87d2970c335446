import { administrationEvents } from './events.ts'

export const administration = {
  name: 'administration',
  events: administrationEvents,
}
