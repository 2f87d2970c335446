import { djangoEvents } from './events.ts'

export const django = {
  name: 'django',
  events: djangoEvents,
}
