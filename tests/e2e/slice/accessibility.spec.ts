import path from 'node:path';
import type { Page } from '@playwright/test';
import { SHELL_CHECKS } from '../../support/desk.ts';
import { makeShellRepository } from '../../support/fixture-repository.ts';
import { violations } from '../axe.ts';
import { expect, test } from './slice.ts';

type Prepare = (page: Page) => Promise<void>;

const pressed = (key: string, what: string) => async (page: Page) => {
  await page.keyboard.press(key);
  await page.locator(what).first().waitFor();
};

/** Each screen by its address, with what has to be opened on it; ticket 1 is merged, 2 is blocked, 3 is a draft, 4 runs. */
const screens: readonly [name: string, path: string, prepare?: Prepare][] = [
  ['Today', '/'],
  ['Approvals', '/approvals/T-label-3'],
  ['sending back', '/approvals/T-label-3', pressed('r', '[role=dialog]')],
  ['the editor', '/approvals/T-label-3', pressed('e', '[role=dialog]')],
  ['a merged ticket', '/ticket/T-label-1', (page) => page.locator('main summary').first().click()],
  ['a blocked ticket', '/ticket/T-label-2'],
  ['a running ticket', '/ticket/T-label-4'],
  ['a brand', '/brand/label'],
  ['its tickets', '/brand/label/tickets/T-label-1'],
  ['its runs', '/brand/label/runs'],
  ['its activity', '/brand/label/activity'],
  ['a wiki page', '/wiki/label/label', (page) => page.getByRole('button', { name: /^high/ }).click()],
  ['the health', '/health', pressed('r', 'main tbody tr')],
  ['the settings', '/settings'],
  ['adding a brand', '/add-brand'],
  ['the palette', '/', pressed('Control+k', '[cmdk-list]')],
];

/** A screen's contrast is its scheme's, and its shape its width's: two looks see both. */
const looks = [
  { width: 1024, colorScheme: 'light' },
  { width: 1920, colorScheme: 'dark' },
] as const;
/** For screens that show in one width what they hide in the other. */
const otherLooks = [
  { width: 1024, colorScheme: 'dark' },
  { width: 1920, colorScheme: 'light' },
] as const;
const reshaped = new Set(['a merged ticket', 'its tickets', 'a wiki page']);

test('axe finds nothing wrong on any screen with work in it, light and dark, narrow and wide', async ({
  desk,
  window,
  page,
}) => {
  test.setTimeout(240_000);
  const repository = await makeShellRepository(path.join(desk.workspace.around, 'label'));
  const { url } = await desk.workspace.serve();
  await window.open(url);
  await expect(window.heading).toHaveText('Welcome');
  expect.soft(await violations(page), 'the first launch').toEqual([]);
  await desk.addBrand('label', repository, ...SHELL_CHECKS);
  const merged = await desk.order('label', { title: 'Write two', command: 'echo two >> notes.txt' });
  const blocked = await desk.draft('label', { title: 'Break it', command: 'touch broken' });
  await desk.ask(['ticket', 'block', blocked.id, '--reason', 'Not this year']);
  await desk.draft('label', {
    title: 'Paint the door',
    description: 'Green, as it was.',
    why: 'It peels.',
    paths: ['door/**'],
    acceptance: ['test -e door'],
    command: 'mkdir door',
  });
  const running = await desk.order('label', {
    title: 'Stay',
    command: 'echo "Here for good" && tail -f /dev/null',
    dependsOn: [merged.id],
  });
  await desk.untilState(merged.id, 'merged');
  await desk.untilState(running.id, 'in_progress');

  await page.emulateMedia({ reducedMotion: 'reduce' });
  for (const [name, address, prepare] of screens) {
    await page.goto(new URL(address, url).href);
    await expect(window.heading).not.toHaveText('Atrium');
    await expect(page.getByRole('status', { name: 'Loading' })).toHaveCount(0);
    await prepare?.(page);
    for (const { width, colorScheme } of reshaped.has(name) ? [...looks, ...otherLooks] : looks) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme });
      expect.soft(await violations(page), `${name}, ${colorScheme}, ${width}`).toEqual([]);
      const shown = await page.evaluate(() => document.documentElement.scrollWidth);
      expect.soft(shown, `${name} in ${width}`).toBeLessThanOrEqual(width);
    }
  }
});
