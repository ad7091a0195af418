import jest from 'eslint-plugin-jest';
import tseslint from 'typescript-eslint';

/** JSON has no 64-bit integers, so text is made in few places, which know that. */
const ONLY_CODECS_STRINGIFY = {
  object: 'JSON',
  property: 'stringify',
  message: 'Use stringify of reference/doors/json.ts (64-bit values) or jsonText of reports/json-text.ts (plain values).',
};

export default tseslint.config(
  { ignores: ['dist/', 'out/', 'coverage/', 'node_modules/'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      'no-restricted-properties': ['error', ONLY_CODECS_STRINGIFY],
      eqeqeq: 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      // A default says that the rest is meant.
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      // `_name` is there because something must stand in its place, or to leave a field out of a rest.
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true }],
      // Numbers and bigints in text are what most messages are about; how they look is decided where it matters (hex()).
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // `() => list.push(x)` where nobody wants the result reads better than a block.
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true, ignoreVoidOperator: true }],
    },
  },
  {
    // noUncheckedIndexedAccess makes every element possibly absent; `xs[i]!` says: the lines above have seen to it. In the
    // rule tables it is the order of the guards that sees to it: a guard is only asked after those before it have let
    // the call pass, so `c.window!` is there. In reports, which read data, the compiler has the last word.
    files: ['reference/**/*.ts', 'adapters/**/*.ts', 'harness/**/*.ts', 'suites/**/*.ts'],
    rules: { '@typescript-eslint/no-non-null-assertion': 'off' },
  },
  {
    // The codecs themselves.
    files: ['reference/doors/json.ts', 'reports/json-text.ts', 'adapters/qemu-papr/qmp.ts'],
    rules: { 'no-restricted-properties': 'off' },
  },
  {
    files: ['**/*.test.ts'],
    extends: [jest.configs['flat/recommended']],
    rules: {
      'no-restricted-properties': 'off',
      // In a test, what is not there fails the test, with its line.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // Tests import from @jest/globals.
      'jest/no-deprecated-functions': 'off',
      // A test may build its expectation in a helper whose name begins with expect.
      'jest/expect-expect': ['error', { assertFunctionNames: ['expect', 'expect*', 'fc.assert'] }],
    },
  },
  {
    // Configuration of tools, run as it stands.
    files: ['**/*.{cjs,mjs}'],
    languageOptions: { globals: { module: 'writable', require: 'readonly', __dirname: 'readonly', process: 'readonly' } },
  },
);
