import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { SHELL_CHECKS } from '../../support/desk.ts';
import { makeShellRepository } from '../../support/fixture-repository.ts';
import { hostile } from '../window/fixtures.ts';
import { aWhile, expect, stateOf, test } from './slice.ts';

const SHOUT = `printf '<img src=x onerror="window.__hostile=1">\\033[8mhidden\\033[0m\\033]0;owned\\007\\342\\200\\256live\\n'
echo '<script>window.__hostile=1</script>' > '<b>file.txt'`;

test('a title, a command, what a program prints, a file and a page of the wiki are shown as text and do nothing', async ({
  desk,
  window,
  page,
}) => {
  const repository = await makeShellRepository(path.join(desk.workspace.around, 'label'));
  const { url, origin } = await desk.workspace.serve();
  await desk.addBrand('label', repository, ...SHELL_CHECKS);
  const shelf = path.join(desk.workspace.path, 'wiki', 'label');
  await mkdir(shelf, { recursive: true });
  await writeFile(path.join(shelf, 'hostile.md'), hostile.page);
  const ticket = await desk.order('label', {
    title: hostile.title.replace('\u0007', ''),
    description: '<script>window.__hostile=1</script> [x](javascript:window.__hostile=1)',
    why: '<svg onload="window.__hostile=1">',
    command: SHOUT,
  });

  const outside: string[] = [];
  page.on('request', (request) => {
    const address = new URL(request.url());
    if (address.protocol !== 'data:' && address.origin !== origin) outside.push(request.url());
  });
  page.on('dialog', (dialog) => outside.push(dialog.message()));
  const inert = async () => {
    expect(await page.locator('main').locator('img, iframe, script, svg[onload], [onerror]').count()).toBe(0);
    expect(await page.locator('main a[href]:not([href^="/"])').count()).toBe(0);
    expect(await page.evaluate(() => (globalThis as { __hostile?: unknown }).__hostile)).toBeUndefined();
    expect(outside).toEqual([]);
  };

  await window.open(url.replace('/#', `/ticket/${ticket.id}#`));
  await expect(stateOf(page)).toHaveText('Merged', aWhile);
  await expect(window.heading).toContainText('<img src=x onerror="window.__hostile=1">');
  await expect(window.heading).toContainText('‹U+202E›evil');
  const output = page.getByRole('region', { name: 'Output of the runs' });
  if (!(await output.getByRole('log').first().isVisible())) await output.locator('summary').first().click();
  await expect(output.getByRole('log').first()).toContainText('<img src=x onerror="window.__hostile=1">');
  await expect(output.getByRole('log').first()).toContainText('‹U+202E›live');
  await inert();
  await page.getByRole('radiogroup', { name: 'Shown' }).getByText('Difference').click();
  await expect(page.getByRole('region', { name: 'Difference' })).toContainText(
    '<script>window.__hostile=1</script>',
  );
  await inert();

  await window.goTo('Today');
  await expect(page.getByText('onerror="window.__hostile=1"').first()).toBeVisible();
  await inert();
  await window.goTo('Wiki');
  for (const link of await page.getByRole('list', { name: 'Pages of label' }).getByRole('link').all()) {
    await link.click();
    await expect(page.getByRole('article')).toBeVisible();
    await inert();
  }
  await expect(page.getByRole('list', { name: 'Pages of label' })).toContainText('Hostile');
});
