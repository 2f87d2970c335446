import { register } from 'node:module'

// From here on, Node imports TypeScript and maps stack traces to its lines.
register('./typescript-hooks.mjs', import.meta.url)
process.setSourceMapsEnabled(true)
