import path from 'node:path';
import { SHELL_CHECKS } from '../../support/desk.ts';
import { makeShellRepository } from '../../support/fixture-repository.ts';
import { aWhile, expect, stateOf, test } from './slice.ts';

/** Neither ends nor does anything. */
const ENDLESS = 'echo "Here for good" && tail -f /dev/null';

test('[D2] a start with nothing to do says of each phase why', async ({ desk, window, page }) => {
  const repository = await makeShellRepository(path.join(desk.workspace.around, 'label'));
  const { url } = await desk.workspace.serve();
  await desk.addBrand('label', repository, ...SHELL_CHECKS);
  await window.open(url);
  await expect(page.getByText('Not started yet.')).toBeVisible();
  await expect(page.getByText('Nothing waits for you.')).toBeVisible();
  await page.getByRole('button', { name: 'Start' }).click();
  const day = page.getByRole('region', { name: 'Day' });
  const phases = day.getByRole('list', { name: 'Phases of the day' });
  await expect(phases.getByRole('button', { disabled: true })).toHaveCount(0);
  for (const [phase, reason] of [
    ['initialise', 'open'],
    ['housekeeping', 'no checkout is overdue'],
    ['outstanding', 'nothing is outstanding'],
    ['draft and approve', 'no draft waits for approval'],
    ['dispatch', 'no approved ticket waits'],
    ['distil and close', 'nothing was merged that is not distilled already'],
  ] as const) {
    await phases.getByRole('button', { name: phase }).click();
    await expect(day.getByText(reason)).toBeVisible();
  }
});

test('[R1] drafts are put off, sent back with a note and blocked; a run is stopped; each says so where it stands', async ({
  desk,
  window,
  page,
}) => {
  const repository = await makeShellRepository(path.join(desk.workspace.around, 'label'));
  const { url } = await desk.workspace.serve();
  await desk.addBrand('label', repository, ...SHELL_CHECKS);
  await desk.draft('label', { title: 'Sort the shelves', command: ENDLESS });
  await desk.draft('label', { title: 'Paint the door', command: 'echo green > door.txt' });
  await page.clock.install();
  await window.open(url);

  await test.step('later', async () => {
    await expect(page.getByRole('list', { name: 'Needs you' }).getByRole('link')).toHaveCount(2);
    await page.keyboard.press('n');
    await expect(window.card).toContainText('Sort the shelves');
    await page.getByRole('button', { name: 'Later' }).click();
    await expect(window.card).toContainText('Paint the door');
    await expect.poll(() => window.needYou()).toBe(2);
  });

  await test.step('sent back with a note', async () => {
    await page.getByRole('button', { name: 'Send back' }).click();
    await page.getByLabel('What should be different?').fill('Which green?');
    await page.getByRole('dialog').getByRole('button', { name: 'Send back' }).click();
    await expect(page.getByRole('dialog')).toBeHidden();
    await expect(window.card).toContainText('Sort the shelves');
    expect((await desk.show('T-label-2')).comments).toEqual([
      expect.objectContaining({ text: 'Which green?' }),
    ]);
  });

  await test.step('a comment and a block', async () => {
    await window.command('T-label-2');
    await expect(page.getByText('Which green?').first()).toBeVisible();
    await page.getByLabel('Comment').fill('Any green is fine.');
    await page.getByRole('button', { name: 'Comment', exact: true }).click();
    await expect(
      page.getByRole('region', { name: 'Timeline' }).getByText('Any green is fine.'),
    ).toBeVisible();
    await page.getByRole('button', { name: 'Block' }).click();
    await page.getByRole('dialog').getByLabel('Why').fill('The door is sold');
    await page.getByRole('dialog').getByRole('button', { name: 'Block' }).click();
    await expect(stateOf(page)).toHaveText('Blocked at draft');
    await expect(page.getByText('The door is sold').first()).toBeVisible();
    await expect.poll(() => window.needYou()).toBe(1);
  });

  await test.step('a run is stopped', async () => {
    await page.keyboard.press('n');
    await expect(window.card).toContainText('Sort the shelves');
    await page.keyboard.press('a');
    await page.clock.fastForward(5_000);
    await expect(window.pending).toBeHidden();
    await window.goTo('Today');
    await expect(page.getByRole('list', { name: 'Running' })).toContainText('T-label-1', aWhile);
    await window.goTo('label');
    await page.getByRole('link', { name: /^Runs/ }).click();
    await page.getByRole('list', { name: 'Runs' }).locator('summary').click();
    await expect(page.getByRole('log')).toContainText('Here for good', aWhile);
    await page.getByRole('button', { name: /^Stop R-label-/ }).click();
    await expect(page.getByRole('list', { name: 'Runs' })).toContainText('Stopped', aWhile);
    await window.command('T-label-1');
    await expect(stateOf(page)).toHaveText('Blocked at in progress');
    expect((await desk.show('T-label-1')).blockedReason).toContain('operator');
    await expect.poll(() => window.needYou()).toBe(0);
  });

  await test.step('a successor takes its place', async () => {
    await page.getByRole('button', { name: 'Draft a successor' }).click();
    await expect(window.card).toContainText('Takes the place of T-label-1');
    await expect.poll(() => window.needYou()).toBe(1);
  });
});
