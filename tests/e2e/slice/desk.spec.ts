import path from 'node:path';
import { SHELL_CHECKS } from '../../support/desk.ts';
import { git, makeShellRepository } from '../../support/fixture-repository.ts';
import { violations } from '../axe.ts';
import { aWhile, expect, test } from './slice.ts';

test('[C18] a terminal at the desk: what is typed is carried out, a reload shows all of it again, and what is there becomes a ticket that is merged', async ({
  desk,
  window,
  page,
}) => {
  const repository = await makeShellRepository(path.join(desk.workspace.around, 'label'));
  const { url, origin } = await desk.workspace.serve();
  await desk.addBrand('label', repository, ...SHELL_CHECKS);
  await window.open(url.replace('/#', '/brand/label/terminals#'));
  await expect(page.getByText('No terminal is open.')).toBeVisible();
  await page.keyboard.press('t');
  const rows = page.locator('.xterm-rows');
  await expect(rows).toContainText('label /work $', aWhile);

  await page.keyboard.type('echo f""irst > first.txt; seq -f "line %g" 500\n');
  await expect(rows).toContainText('line 500');
  await page.keyboard.type('sh -c \'echo asl""eep; exec sleep 1000\'\n');
  await expect(rows).toContainText('asleep');
  await page.keyboard.press('Control+c');
  await page.keyboard.type('stty size; printf "\\033[6n\\033]52;c;c3RvbGVu\\007"\n');
  await expect(rows).toContainText(/\d\d+ \d\d+/);

  await page.reload();
  await expect(rows).toContainText('asleep', aWhile);
  await page.keyboard.press('Control+Shift+F');
  await page.getByRole('search').getByRole('textbox').fill('line 123');
  await expect(rows).toContainText('line 123');
  await page.keyboard.press('Escape');
  await page.keyboard.type('cat first.txt\n');
  await expect(rows).toContainText('first', aWhile);
  expect(await violations(page, '.xterm')).toEqual([]);

  // A second window sees the same, and goes on when the first is gone.
  const other = await page.context().newPage();
  await other.goto(`${origin}/`);
  await page.keyboard.press('Control+Shift+K');
  await expect(page.getByRole('dialog')).toBeVisible();
  await page.keyboard.press('Escape');
  await other.close();

  await page.getByRole('button', { name: 'Propose what is here' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText('1 file not committed', aWhile);
  await dialog.getByLabel('Title').fill('A first file');
  await dialog.getByLabel('Acceptance').fill('grep -q first first.txt');
  await dialog.getByRole('button', { name: 'Draft the ticket' }).click();
  await expect(page.getByRole('heading', { name: 'A first file' })).toBeVisible(aWhile);
  await expect(page.getByText('is taken as it is; no agent runs')).toBeVisible();
  await page.keyboard.press('a');
  await expect
    .poll(() => git(repository, 'show', 'main:first.txt').catch(() => ''), aWhile)
    .toContain('first');

  await page.goto(`${origin}/brand/label/terminals`);
  await expect(rows).toContainText('asleep', aWhile);

  // The same terminal from the command line: what it says ends it for the window too.
  const runs = await desk.workspace.json<{ id: string; role: string; state: string }[]>(['run', 'list']);
  const id = runs.value.find((run) => run.role === 'desk' && run.state === 'running')?.id ?? '';
  const typed = { stdin: 'echo fr""om the command line\rexit 5\r' };
  const attached = await desk.workspace.run(['run', 'attach', id], typed);
  expect(attached.stdout).toContain('from the command line');
  expect(attached.stdout).toContain(`${id} ended with exit code 5.`);
  expect(attached.code).toBe(0);
  await expect(page.getByText('The shell ended with exit code 5.')).toBeVisible(aWhile);
  expect((await desk.workspace.run(['run', 'attach', id])).code).toBe(1);
});
