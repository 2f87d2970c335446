import { register } from 'node:module'

// From here on, Node imports TypeScript, and names its lines where something fails.
register('./typescript-hooks.mjs', import.meta.url)
process.setSourceMapsEnabled(true)
