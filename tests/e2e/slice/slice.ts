import { open } from 'node:fs/promises';
import path from 'node:path';
import { test as base } from '@playwright/test';
import type { Locator, Page } from '@playwright/test';
import { openDesk } from '../../support/desk.ts';
import type { Desk } from '../../support/desk.ts';
import { WindowPage } from '../window/window-page.ts';

interface OwnFixtures {
  /** What `workspace.yaml` says beside its defaults. */
  settings: Record<string, unknown>;
  /** The operator's other door, the CLI, on a workspace of this test alone. No core runs before it is asked. */
  desk: Desk;
  window: WindowPage;
}

/** Tests of the window against the core that `atrium serve` starts. What a page logs as an error fails the test. */
export const test = base.extend<OwnFixtures>({
  settings: [{}, { option: true }],
  desk: async ({ settings }, use) => {
    const desk = await openDesk({ config: settings });
    await use(desk);
    await desk.remove();
  },
  window: async ({ page }, use) => {
    page.setDefaultTimeout(30_000);
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

/** How long a ticket may take from its approval to its end on a machine with other things to do, in milliseconds. */
export const aWhile = { timeout: 60_000 };

/** A shell command that says so, waits in its checkout until the test lets it pass, and then does the work. */
export const waitingAtGate = (work: string) =>
  `mkfifo gate && echo "Waiting at the gate" && cat gate > /dev/null && rm gate && ${work}`;

/** Lets a command that waits at its gate pass. */
export async function openGate(desk: Desk, brand: string, ticket: string): Promise<void> {
  const gate = await open(path.join(desk.workspace.path, 'checkouts', brand, ticket, 'gate'), 'w');
  await gate.close();
}

/** Moves the focus with Tab alone, until it is there. */
export async function tabTo(page: Page, to: Locator): Promise<void> {
  await to.waitFor();
  for (let presses = 0; presses < 80; presses++) {
    if (await to.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`Tab does not reach ${to.toString()}`);
}

/** Where a ticket is, by the strip of its screen. */
export const stateOf = (page: Page): Locator =>
  page.getByRole('list', { name: 'State' }).locator('[aria-current]');

export { expect } from '@playwright/test';
