import path from 'node:path';
import { SHELL_CHECKS } from '../../support/desk.ts';
import { makeShellRepository } from '../../support/fixture-repository.ts';
import { aWhile, expect, stateOf, test } from './slice.ts';

test('the core is killed under an open window: values stay, and the next core takes the work up again', async ({
  desk,
  window,
  page,
}) => {
  const repository = await makeShellRepository(path.join(desk.workspace.around, 'label'));
  const first = await desk.workspace.serve();
  await desk.addBrand('label', repository, ...SHELL_CHECKS);
  await desk.order('label', {
    title: 'Write two',
    command: 'echo "Here for good" && tail -f /dev/null',
  });
  await window.open(`${first.url.replace('/#', '/ticket/T-label-1#')}`);
  await expect(page.getByRole('log')).toContainText('Here for good', aWhile);

  process.kill(first.pid, 'SIGKILL');
  await expect(window.coreGone).toBeVisible();
  await expect(stateOf(page)).toHaveText('In progress');
  await expect(page.getByRole('log')).toContainText('Here for good');
  await page.getByLabel('Comment').fill('Typed while it was gone');
  await page.getByRole('button', { name: 'Comment', exact: true }).click();
  await expect(page.getByText('so nothing was sent')).toBeVisible();
  expect((await first.ended).code).toBe(1);

  const second = await desk.workspace.serve();
  expect(second.origin).toBe(first.origin);
  await expect(page.getByText('Open the newest address that Atrium printed')).toBeVisible(aWhile);
  await expect(stateOf(page)).toHaveText('In progress');
  await page.goto(`${second.url.replace('/#', '/ticket/T-label-1#')}`);
  await expect(window.coreGone).toBeHidden();
  await expect(page.getByLabel('Comment')).toHaveValue('Typed while it was gone');
  await expect(page.getByRole('list', { name: 'Attempts' })).toContainText('1 interrupted', aWhile);
  await expect(page.getByRole('list', { name: 'Attempts' })).toContainText('2 running', aWhile);
});

test('a token is good once, a reload on any screen needs none, and a page without a good one says what to do', async ({
  desk,
  window,
  page,
  context,
}) => {
  const { url, origin } = await desk.workspace.serve();
  await window.open(url);
  expect(page.url()).toBe(`${origin}/`);
  for (const screen of ['/', '/wiki/label/label', '/brand/none/tickets', '/settings']) {
    await page.goto(origin + screen);
    await expect(window.heading).not.toHaveText('Atrium');
    await page.reload();
    await expect(window.rail).toBeVisible();
    await expect(window.heading).not.toHaveText('Atrium');
  }
  for (const address of [url, `${origin}/#token=${'A'.repeat(43)}`, `${origin}/`]) {
    const other = await context.newPage();
    await other.goto(address);
    await expect(other.getByText('This page may not speak to the core')).toBeVisible();
    await expect(other.getByText('This page has no valid token. Run `atrium serve`')).toBeVisible();
    expect(other.url()).toBe(`${origin}/`);
    await other.close();
  }
  await page.reload();
  await expect(window.heading).toHaveText('Settings');
});
