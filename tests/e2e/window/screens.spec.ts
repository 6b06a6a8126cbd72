import type { Page } from '@playwright/test';
import { violations } from '../axe.ts';
import { expect, test } from './stand-in.ts';

type Prepare = (page: Page) => Promise<void>;

const opened = (key: string, what: string) => async (page: Page) => {
  await page.keyboard.press(key);
  await page.locator(what).first().waitFor();
};

const screens: [name: string, path: string, prepare?: Prepare][] = [
  ['Today', '/'],
  ['Approvals', '/approvals'],
  ['a long approval', '/approvals/T-studio-3'],
  ['sending back', '/approvals/T-label-16', opened('r', '[role=dialog]')],
  ['a brand', '/brand/studio'],
  ['its tickets', '/brand/label/tickets/T-label-14'],
  ['its runs', '/brand/label/runs'],
  ['what is at its desk, proposed', '/brand/label/terminals', opened('p', '[role=dialog]')],
  ['its terminals', '/brand/label/terminals', opened('t', '.xterm-rows')],
  ['its wiki', '/brand/label/wiki'],
  ['its activity', '/brand/label/activity'],
  ['a ticket', '/ticket/T-label-14'],
  ['a blocked ticket', '/ticket/T-quant-7'],
  ['a ticket that is not there', '/ticket/T-label-999'],
  ['a wiki page', '/wiki/label/concerts'],
  ['the health', '/health', opened('r', 'tbody tr')],
  ['the settings', '/settings'],
  ['adding a brand', '/add-brand'],
  ['the palette', '/', opened('Control+k', '[cmdk-list]')],
  ['the keys', '/', opened('?', '[role=dialog]')],
  ['the editor', '/', opened('c', '[role=dialog]')],
];

test('axe finds nothing wrong on any screen, light and dark, and none is wider than its window', async ({
  window,
  core,
  page,
}) => {
  for (const [name, path, prepare] of screens) {
    await window.open(core.url(path));
    await expect(page.getByRole('status', { name: 'Loading' })).toHaveCount(0);
    await prepare?.(page);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      expect.soft(await violations(page), `${name}, ${colorScheme}`).toEqual([]);
    }
    for (const width of [2560, 1920, 1440, 1024]) {
      await page.setViewportSize({ width, height: 768 });
      const shown = await page.evaluate(() => document.documentElement.scrollWidth);
      expect.soft(shown, `${name} in ${width}`).toBeLessThanOrEqual(width);
    }
    await page.setViewportSize({ width: 1280, height: 800 });
  }
});

test.describe('with nothing in it', () => {
  test.use({ amount: 'none' });
  for (const [name, path] of [
    ['the first launch', '/'],
    ['Approvals', '/approvals'],
    ['the wiki', '/wiki'],
    ['the health', '/health'],
  ] as const) {
    test(`${name} says what it is for, and axe finds nothing wrong`, async ({ window, core, page }) => {
      await page.emulateMedia({ reducedMotion: 'reduce' });
      await window.open(core.url(path));
      expect(await violations(page)).toEqual([]);
    });
  }
});
