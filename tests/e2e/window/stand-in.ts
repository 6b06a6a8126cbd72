import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test as base } from '@playwright/test';
import react from '@vitejs/plugin-react';
import { build } from 'vite';
import type { Amount } from './fixtures.ts';
import { type StandIn, startStandIn } from './stand-in-core.ts';
import { WindowPage } from './window-page.ts';

interface OwnFixtures {
  /** How much the stand-in core has to show. */
  amount: Amount;
  core: StandIn;
  window: WindowPage;
}

interface WorkerFixtures {
  /** Folder of the window, built once a worker. */
  renderer: string;
}

/** Tests of the window against the stand-in core. What a page logs as an error fails the test. */
export const test = base.extend<OwnFixtures, WorkerFixtures>({
  amount: ['some', { option: true }],
  renderer: [
    async ({}, use) => {
      const folder = await mkdtemp(join(tmpdir(), 'atrium-window-'));
      await build({
        configFile: false,
        root: fileURLToPath(new URL('../../../src-renderer', import.meta.url)),
        logLevel: 'error',
        plugins: [react()],
        build: { outDir: folder, emptyOutDir: true },
      });
      await use(folder);
      await rm(folder, { recursive: true, force: true });
    },
    { scope: 'worker', timeout: 120_000 },
  ],
  core: async ({ renderer, amount }, use) => {
    const core = await startStandIn({ renderer, amount });
    await use(core);
    await core.close();
  },
  window: async ({ page }, use) => {
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error' && !message.text().includes('WebSocket connection'))
        errors.push(message.text());
    });
    await use(new WindowPage(page));
    if (errors.length > 0) throw new Error(`The page reported:\n${errors.join('\n')}`);
  },
});

export { expect } from '@playwright/test';
