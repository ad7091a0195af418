/** Unit tests: `*.test.ts` beside the file they test. The suites are run by `papr-conformance run`. */
module.exports = {
  testEnvironment: 'node',
  roots: ['reference', 'adapters', 'harness', 'reports', 'suites'].map((folder) => `<rootDir>/${folder}`),
  testMatch: ['**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/dist/'],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/out/'],
  // The sources import './x.js', as Node wants it of the compiled files.
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  // isolatedModules in tsconfig.json: types are checked by `npm run typecheck`, once for all files.
  transform: { '^.+\\.ts$': ['ts-jest', { tsconfig: '<rootDir>/tsconfig.json' }] },
};
