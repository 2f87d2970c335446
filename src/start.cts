// The file that node runs. Every hash occupies a thread of libuv's pool, so the pool has one per core for hashes and
// some for name look-ups and files. The size has to be set before the pool is first used, and loading a module such as
// main.ts uses it.
process.env.UV_THREADPOOL_SIZE ||= String(process.getBuiltinModule('node:os').availableParallelism() + 4)
// Stack traces name the lines of the TypeScript. The maps take 3 MiB, and no time until a stack is read.
process.setSourceMapsEnabled(true)
void import('./main.ts')
