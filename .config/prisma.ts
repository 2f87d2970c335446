import { defineConfig } from 'prisma/config'

// `prisma generate` needs no engine, yet downloads one unless it is told that it has one.
process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= 'node_modules/.bin/prisma'

export default defineConfig({ schema: '../prisma/schema' })
