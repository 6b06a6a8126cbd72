import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { SHELL_CHECKS } from '../../support/desk.ts';
import { makeShellRepository, read } from '../../support/fixture-repository.ts';
import { startModelServer } from '../../support/model-server.ts';
import { aWhile, expect, stateOf, test } from './slice.ts';

const KEY = 'key-that-stays-outside-58213';

const shell = (command: string) => [{ name: 'run_shell_command', args: { command } }];

/** A file by its tool, a commit by the shell, its result by its own command line. */
const SCRIPT = [
  {
    text: 'I write the opening hours.',
    calls: [{ name: 'write_file', args: { file_path: '/work/hours.txt', content: 'Open at nine\n' } }],
    usage: { input: 300_000, output: 20_000 },
  },
  { calls: shell('git add -A && git commit -q -m "Opening hours" && env') },
  { calls: shell('atrium submit result --summary "The opening hours are written."') },
  { text: 'The opening hours are there.' },
];

test('[R1] [P10] a ticket for Gemini CLI is chosen, followed and paid for in the window, and the key is nowhere in it', async ({
  desk,
  window,
  page,
}) => {
  const model = await startModelServer(SCRIPT);
  const keyFile = path.join(desk.workspace.around, 'key');
  await writeFile(keyFile, `${KEY}\n`);
  await chmod(keyFile, 0o600);
  await desk.configure('workspace.yaml', (value) =>
    Object.assign(value, { models: { gemini: { baseUrl: model.url, keyFile } } }),
  );
  const repository = await makeShellRepository(path.join(desk.workspace.around, 'shop'));
  const { url } = await desk.workspace.serve();
  await desk.addBrand('shop', repository, ...SHELL_CHECKS);

  const told: string[] = [];
  page.on('websocket', (socket) =>
    socket.on('framereceived', ({ payload }) => told.push(payload.toString())),
  );
  await page.clock.install();
  await window.open(url);

  await test.step('who does it is chosen in the editor', async () => {
    await page.getByLabel('What should be done?').fill('Write the opening hours');
    await page.getByRole('button', { name: 'Add details' }).click();
    const editor = page.getByRole('dialog');
    await editor.getByLabel('May touch').fill('hours.txt');
    await editor.getByLabel('Acceptance').fill('grep -q nine hours.txt');
    await editor.getByLabel('Who does it').selectOption({ label: 'Gemini CLI' });
    await expect(editor.getByLabel('Command', { exact: true })).toBeHidden();
    await editor.getByText('Network, secrets, dependencies, model').click();
    await editor.getByLabel('Model', { exact: true }).fill('gemini-2.5-flash');
    await editor.getByRole('button', { name: 'Draft ticket' }).click();
    await expect(window.card).toContainText('Gemini CLI · gemini-2.5-flash');
    await page.getByRole('button', { name: 'Approve' }).click();
    await page.clock.fastForward(5_000);
    await expect(window.pending).toBeHidden();
  });

  await test.step('it is followed to its end', async () => {
    await window.command('T-shop-1');
    await expect(stateOf(page)).toHaveText('Merged', aWhile);
    await expect(page.getByText('The executor submits', { exact: false })).toBeVisible();
    await expect(page.getByText(/The opening hours are written\./).first()).toBeVisible();
    const facts = page.getByRole('region', { name: 'Facts' });
    await expect(facts).toContainText(/\$0\.\d\d of \$5\.00/);
    await expect(facts).not.toContainText('$0.00 of');
  });

  await test.step('what it said, used and cost', async () => {
    await window.goTo('shop');
    await page.getByRole('link', { name: 'Runs' }).click();
    const run = page.getByRole('list', { name: 'Runs' }).getByRole('listitem').filter({ hasText: 'Gemini' });
    await run.first().locator('summary').first().click();
    await expect(run.first()).toContainText(/30\d,\d{3} tokens in, 20,\d{3} out/);
    await expect(run.first().getByRole('log')).toContainText('Writing to hours.txt');
    await window.goTo('Health');
    await page.getByText('Model', { exact: true }).click();
    await expect(page.getByRole('row', { name: /gemini-2\.5-flash/ })).toContainText(/\$0\.\d\d/);
  });

  await test.step('the key', async () => {
    expect(model.requests.map((request) => request.headers['x-goog-api-key'])).toContain(KEY);
    expect(told.length).toBeGreaterThan(0);
    expect(told.filter((frame) => frame.includes(KEY))).toEqual([]);
    for (const screen of ['Today', 'Health', 'Settings']) {
      await window.goTo(screen);
      await expect(window.heading).toHaveText(screen);
      expect(await page.content()).not.toContain(KEY);
    }
  });
  expect(await read(repository, 'hours.txt')).toBe('Open at nine\n');
  await model.close();
});
