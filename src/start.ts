// The file that node runs. Every hash occupies a thread of libuv's pool, so the pool has one per core for hashes and
// some for name look-ups and files. The size has to be set before the pool is first used.
import { availableParallelism } from 'node:os'
import { loadBundle } from './load-bundle.ts'

process.env.UV_THREADPOOL_SIZE ||= String(availableParallelism() + 4)
void loadBundle().main(process.argv.slice(2))
