/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test', '<rootDir>/src'],
  globalSetup: '<rootDir>/test/support/global-setup.mjs',
  globalTeardown: '<rootDir>/test/support/global-teardown.mjs',
  testMatch: ['**/*.spec.ts'],
  // A machine that also runs PostgreSQL and another test file: what takes 2 s alone may take 10.
  testTimeout: 20_000,
  // Half of a test file is waiting for sockets and PostgreSQL: Jest's own choice, a core less, leaves a core of two idle.
  maxWorkers: '100%',
  // Modules of each file stay in its worker: one that ran a hundred files held 3.8 GB.
  workerIdleMemoryLimit: '1GB',
  extensionsToTreatAsEsm: ['.ts'],
  // Of a package that keeps its data in data.json.js that is the file's name.
  moduleNameMapper: { '^(\\.{1,2}/.*(?<!\\.json))\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
          keepClassNames: true,
        },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
};
