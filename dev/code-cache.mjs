// Keeps what V8 compiles while it loads the built server. Run by build.mjs with the flags of bin/auth-server.
import { createRequire } from 'node:module'

const { writeCodeCache } = createRequire(import.meta.url)('../dist/load-bundle.cjs')

await writeCodeCache((server) => server.loadServer())
