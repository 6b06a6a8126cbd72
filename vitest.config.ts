import { defineConfig } from 'vitest/config';

const badInput = 'tests/integration/bad-input/**/*.test.ts';

const project = (
  name: string,
  include: string[],
  workers: number,
  { timeout = 180_000, exclude = [] as string[] } = {},
) => ({
  test: {
    name,
    include,
    exclude,
    environment: 'node' as const,
    // Sandboxes in tests are whole ones.
    globalSetup: ['scripts/native.mjs'],
    pool: 'forks' as const,
    maxWorkers: workers,
    testTimeout: timeout,
    hookTimeout: timeout,
    retry: 0,
  },
});

export default defineConfig({
  test: {
    // Of the tests that say so: each of them mostly waits for a core of its own.
    maxConcurrency: 3,
    projects: [
      project(
        'unit',
        ['src-main/**/*.test.ts', 'src-preload/**/*.test.ts', 'src-renderer/**/*.test.{ts,tsx}'],
        2,
      ),
      project('architecture', ['tests/architecture.test.ts'], 1),
      project('conformance', ['tests/conformance/**/*.test.ts'], 2),
      project('integration', ['tests/integration/**/*.test.ts'], 2, { exclude: [badInput] }),
      project('bad-input', [badInput], 2),
      project('programs', ['tests/programs/**/*.test.ts'], 1, { timeout: 300_000 }),
      project('chaos', ['tests/chaos/**/*.test.ts'], 1),
      project('adversarial', ['tests/adversarial/**/*.test.ts'], 2),
    ],
  },
});
