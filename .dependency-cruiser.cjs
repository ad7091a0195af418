/**
 * Who may import whom (DESIGN.md, section 10): suites → harness → adapters → reference, and harness → reports.
 * `npm run imports` checks it. The rules are read as "from here, not to there".
 */
const TEST = '\\.(test|fixture)\\.ts$';

/** Within the reference, from the lowest layer up: a layer imports from itself and from those before it. */
const REFERENCE_LAYERS = [
  '^reference/(values|uapi/)',
  '^reference/memory/',
  '^reference/doors/',
  '^reference/(description|iommu-drivers|choices)\\.ts$',
  // The error states of a PE, before anybody asks for them.
  '^reference/eeh/(?!clauses|events)',
  // What a TCE table is, and the machine that holds the tables.
  '^reference/(machine\\.ts$|tce/(?!translate|device))',
  '^reference/(rules|chooser|judgement|judging)\\.ts$',
  '^reference/eeh/(clauses|events)',
  // What a table does to a device's access is a rule, as a call is.
  '^reference/tce/(translate|device)\\.ts$',
  '^reference/papr/',
  '^reference/opal/',
  '^reference/platform/',
  // What an open /dev/iommu stands for, and a machine of KVM's: a file of a process, as a container is.
  '^reference/iommufd/state/',
  '^reference/kvm/state/',
  '^reference/vfio/',
  '^reference/iommufd/(?!state/)',
  '^reference/kvm/(?!state/)',
  '^reference/(outside|partition-model|host-model|rule-book|model|clauses)\\.ts$',
  '^reference/mutants/',
  // A profile is the specification with the choices of one platform: a variant, as a mutant is.
  '^reference/profiles\\.ts$',
];

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      comment: 'Files that import each other in a circle. Only two types may name each other: a guard asks a chooser about guards.',
      from: { pathNot: '^reference/(rules|chooser)\\.ts$' },
      to: { circular: true },
    },
    {
      name: 'reference-stands-alone',
      severity: 'error',
      comment: 'The reference is pure: it imports nothing above it, no package but zod (the codec), and nothing of Node.',
      from: { path: '^reference/', pathNot: TEST },
      to: { pathNot: ['^reference/', '^node_modules/zod/'] },
    },
    {
      name: 'reports-stand-alone',
      severity: 'error',
      comment: 'Reports know the record of a run, and nothing of the harness, the targets or the stack.',
      from: { path: '^reports/' },
      to: { path: '^(reference|adapters|harness|suites)/' },
    },
    {
      name: 'adapters-import-downwards',
      severity: 'error',
      comment: 'A target knows operations, not scenarios, verdicts or reports.',
      from: { path: '^adapters/' },
      to: { path: '^(harness|suites|reports)/' },
    },
    {
      name: 'adapters-stand-apart',
      severity: 'error',
      comment: 'One kind of target imports nothing of another; what they share lies beside target.ts. A machine of the lab is reached as any SSH host is.',
      from: { path: '^adapters/([^/]+)/' },
      to: { path: '^adapters/([^/]+)/', pathNot: ['^adapters/$1/', '^adapters/ssh/'] },
    },
    {
      name: 'harness-imports-downwards',
      severity: 'error',
      comment: 'The harness loads suites by their place in the package; it imports none.',
      from: { path: '^harness/', pathNot: TEST },
      to: { path: '^suites/' },
    },
    {
      name: 'suites-know-no-target',
      severity: 'error',
      comment: 'A scenario runs on any target, under any runner, and reports nothing itself.',
      from: { path: '^suites/', pathNot: TEST },
      to: { path: '^(adapters|reports|harness/(run|cli|explore|bench))/' },
    },
    {
      name: 'only-the-runner-knows-jest',
      severity: 'error',
      comment: 'explore, replay and sensitivity use the same scenarios without Jest.',
      from: { path: '^(reference|adapters|harness|suites|reports)/', pathNot: [TEST, '^harness/run/', '^reports/allure/'] },
      to: { path: '^node_modules/(jest|@jest|allure)' },
    },
    {
      name: 'declared-packages-only',
      severity: 'error',
      comment: 'A package that is imported stands in package.json; what is shipped needs no development package.',
      from: { pathNot: [TEST, '\\.(cjs|mjs)$'] },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown', 'unknown'], dependencyTypesNot: ['type-only'] },
    },
    ...REFERENCE_LAYERS.slice(0, -1).map((layer, i) => ({
      name: `reference-layer-${i}`,
      severity: 'error',
      comment: 'A layer of the reference imports from one above it.',
      from: { path: layer, pathNot: TEST },
      to: { path: REFERENCE_LAYERS.slice(i + 1) },
    })),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|out|coverage)/' },
    tsConfig: { fileName: 'tsconfig.json' },
    // Types are imports too: a layer that needs a type of another knows it.
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['require', 'node', 'default', 'types'] },
  },
};
