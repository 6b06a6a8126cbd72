import { fileURLToPath } from 'node:url';
import { test as base } from '@playwright/test';
import type { Amount } from './fixtures.ts';
import { type StandIn, startStandIn } from './stand-in-core.ts';
import { WindowPage } from './window-page.ts';

interface OwnFixtures {
  /** How much the stand-in core has to show. */
  amount: Amount;
  core: StandIn;
  window: WindowPage;
}

/** The window as `npm test` built it. */
const renderer = fileURLToPath(new URL('../../../out/renderer', import.meta.url));

/** Tests of the window against the stand-in core. What a page logs as an error fails the test. */
export const test = base.extend<OwnFixtures>({
  amount: ['some', { option: true }],
  core: async ({ amount }, use) => {
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
