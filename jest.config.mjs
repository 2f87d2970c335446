/** @type {import('jest').Config} */
export default {
  // What needs more than Node on the machine is run by test:services.
  testMatch: ['<rootDir>/tests/**/*.test.ts', '!**/tests/services/**'],
  testEnvironment: 'node',
  // Jest's wrapping of globals after each file breaks errors of connections that end later.
  testEnvironmentOptions: { globalsCleanup: 'off' },
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': [
      '@swc/jest',
      { module: { type: 'es6' }, jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, sourceMaps: 'inline' },
    ],
  },
  globalSetup: '<rootDir>/tests/support/global-setup.ts',
  globalTeardown: '<rootDir>/tests/support/global-teardown.ts',
  // Much of the time is PostgreSQL's and other processes'; Jest would leave one core to them.
  maxWorkers: '100%',
  testTimeout: 60_000,
  watchPathIgnorePatterns: ['<rootDir>/.data', '<rootDir>/dist'],
  modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/.data'],
}
