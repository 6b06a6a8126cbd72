import { defineConfig } from '@playwright/test';
import { existsSync } from 'node:fs';

const chromium =
  process.env['ATRIUM_TEST_CHROMIUM'] ?? ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find(existsSync);

export default defineConfig({
  testDir: 'tests/e2e',
  testMatch: '**/*.spec.ts',
  fullyParallel: false,
  workers: 1,
  retries: 0,
  // Bounds for what hangs, not measures: the machine may have much else to do.
  timeout: 240_000,
  expect: { timeout: 20_000 },
  forbidOnly: true,
  outputDir: 'test-results',
  use: {
    browserName: 'chromium',
    viewport: { width: 1280, height: 800 },
    trace: 'off',
    launchOptions: {
      ...(chromium === undefined ? {} : { executablePath: chromium }),
      args: [
        // An imitated processor of graphics would compete with the core for the real ones.
        '--disable-gpu',
        // Chromium refuses its own sandbox to root; the pages under test are our own.
        ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      ],
    },
  },
});
