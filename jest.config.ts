/**
 * Node 20 reads no TypeScript by itself; later versions need no loader.
 *
 * @jest-config-loader esbuild-register
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Config } from 'jest'

export default async (): Promise<Config> => {
  // From here on Jest itself can import the TypeScript of the global set-up.
  // @ts-expect-error: it is JavaScript without types, and exports nothing.
  await import('./tests/support/typescript.mjs')
  // By itself Jest would leave it in the system's temporary folder. The project's own may belong to another account.
  const cacheDirectory = mkdtempSync(join(tmpdir(), 'auth-tests-jest-'))
  process.once('exit', () => rmSync(cacheDirectory, { recursive: true, force: true }))
  return {
    // Tests that need more than Node on the machine are run by test:services, test:browser and test:frontends.
    testMatch: ['<rootDir>/{tests,client/tests}/**/*.test.ts', '!**/tests/{services,browser,frontends}/**'],
    // In plain Node, and the product loaded once per worker: a new context for each file takes half as long again. Not in threads, as
    // bcrypt aborts the process when one ends while it hashes.
    runner: ['jest-light-runner', { runtime: 'child_process' }],
    transform: {},
    setupFiles: ['<rootDir>/tests/support/typescript.mjs', '<rootDir>/tests/support/worker-end.mjs'],
    setupFilesAfterEnv: ['<rootDir>/tests/support/time-limit.mjs'],
    globalSetup: '<rootDir>/tests/support/global-setup.mts',
    globalTeardown: '<rootDir>/tests/support/global-teardown.mts',
    cacheDirectory,
    // PostgreSQL and other processes take much of the time, so no core has to be left to them, as Jest would by default.
    maxWorkers: '100%',
    watchPathIgnorePatterns: ['<rootDir>/.data', '<rootDir>/dist'],
    modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/.data'],
  }
}
