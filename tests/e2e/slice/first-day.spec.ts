import path from 'node:path';
import { connectCore } from '../../../src-main/hosts/core/client.ts';
import { placeOf } from '../../../src-main/hosts/core/place.ts';
import { git, makeNpmRepository, makeShellRepository, read } from '../../support/fixture-repository.ts';
import type { Desk } from '../../support/desk.ts';
import { aWhile, expect, openGate, stateOf, tabTo, test, waitingAtGate } from './slice.ts';

/** What the core says that this machine lacks. */
async function lacksOf(desk: Desk): Promise<string[]> {
  const core = await connectCore(placeOf(desk.workspace.path, process.env), {
    need: 'command',
    now: undefined,
  });
  const snapshot = await core?.client.snapshot({});
  core?.close();
  if (snapshot?.ok !== true) throw new Error('the core gave no snapshot');
  return snapshot.value.lacks.map((lack) => lack.message);
}

const COUNT = `cat > count.js <<'END'
exports.count = (releases) => releases.length;
END
cat > test/count.test.js <<'END'
const test = require('node:test');
const assert = require('node:assert');
test('counts', () => assert.equal(require('../count.js').count([1, 2]), 2));
END
echo "The count is written"`;

test.describe('with an agent program that takes a sentence as it is', () => {
  test.use({ settings: { defaultRuntime: 'gemini' } });

  test('[R1] [A10] [G6] from an empty workspace to merged work and its page, by mouse', async ({
    desk,
    window,
    page,
  }) => {
    const repository = await makeNpmRepository(path.join(desk.workspace.around, 'catalogue'));
    const broken = await makeShellRepository(path.join(desk.workspace.around, 'shop'), { broken: '' });
    await page.clock.install();
    await window.open((await desk.workspace.serve()).url);

    await test.step('what the machine lacks', async () => {
      await expect(window.heading).toHaveText('Welcome');
      const lacks = await lacksOf(desk);
      for (const lack of lacks) await expect(page.getByText(lack)).toBeVisible();
      if (lacks.length === 0) await expect(page.getByText('Nothing: the sandbox, git')).toBeVisible();
    });

    await test.step('a repository that is green', async () => {
      await page.getByLabel(/Folder of a git repository/).fill(path.join(desk.workspace.around, 'missing'));
      await page.getByRole('button', { name: 'Look' }).click();
      await expect(page.getByRole('alert')).toContainText('missing');
      await page.getByLabel(/Folder of a git repository/).fill(repository);
      await page.getByRole('button', { name: 'Look' }).click();
      await expect(page.getByLabel('Setup')).toHaveValue('npm ci');
      await expect(page.getByLabel('Test', { exact: true })).toHaveValue(/npm test/);
      await expect(page.getByLabel('Lint')).toHaveValue('npm run lint');
      await expect(page.getByLabel('Id', { exact: true })).toHaveValue('catalogue');
      await page.getByRole('button', { name: 'Run the checks and add' }).click();
      await expect(page.getByText('The checks pass on the branch as it is')).toBeVisible(aWhile);
    });

    await test.step('a repository that is red as it is', async () => {
      await page.getByRole('button', { name: 'Add another' }).click();
      await page.getByLabel(/Folder of a git repository/).fill(broken);
      await page.getByRole('button', { name: 'Look' }).click();
      await page.getByLabel('Test', { exact: true }).fill('sh check.sh');
      await page.getByRole('button', { name: 'Run the checks and add' }).click();
      await expect(page.getByText('Red as it is')).toBeVisible(aWhile);
      await expect(page.getByText('The checks fail on the branch as it is')).toBeVisible();
      await page.getByRole('button', { name: 'Go to Today' }).click();
    });

    await test.step('a sentence becomes a draft, which is edited', async () => {
      await page.getByLabel('What should be done?').fill('Count the releases');
      await page.getByLabel('Brand', { exact: true }).selectOption({ label: 'catalogue' });
      await page.getByRole('button', { name: 'Draft ticket' }).click();
      await page.locator('main').getByRole('link', { name: 'Read and approve' }).click();
      await expect(window.card).toContainText('Count the releases');
      await page.getByRole('button', { name: 'Edit' }).click();
      const editor = page.getByRole('dialog');
      await editor.getByLabel('May touch').fill('count.js\ntest/**');
      await editor
        .getByLabel('Acceptance')
        .fill('node -e "process.exit(require(\'./count.js\').count([1]) === 1 ? 0 : 1)"');
      await editor.getByLabel('Who does it').selectOption('command');
      await editor.getByLabel('Command', { exact: true }).fill(waitingAtGate(COUNT));
      await editor.getByRole('button', { name: 'Save' }).click();
      await expect(editor).toBeHidden();
      await expect(window.card).toContainText('count.js');
      await expect(window.card).toContainText('Waiting at the gate');
    });

    await test.step('it is approved, taken back, and approved again', async () => {
      await page.getByRole('button', { name: 'Approve' }).click();
      await page.getByRole('button', { name: /^Undo/ }).click();
      await expect(window.pending).toBeHidden();
      await page.clock.fastForward(10_000);
      await expect(window.card).toContainText('Count the releases');
      expect((await desk.show('T-catalogue-1')).state).toBe('draft');
      await page.getByRole('button', { name: 'Approve' }).click();
      await expect(window.pending).toBeVisible();
      await page.clock.fastForward(5_000);
      await expect(window.pending).toBeHidden();
      await expect.poll(() => window.needYou()).toBe(0);
    });

    await test.step('it is followed as it runs', async () => {
      await window.goTo('catalogue');
      await page.getByRole('link', { name: /^Tickets/ }).click();
      await page.getByRole('link', { name: 'Count the releases' }).click();
      await expect(window.heading).toHaveText('Count the releases');
      await expect(page.getByRole('log')).toContainText('Waiting at the gate', aWhile);
      await expect(stateOf(page)).toHaveText('In progress');
      await expect(page.getByRole('log')).not.toContainText('The count is written');
      await openGate(desk, 'catalogue', 'T-catalogue-1');
      await expect(stateOf(page)).toHaveText('Merged', aWhile);
    });

    await test.step('what it changed', async () => {
      const difference = page.getByRole('region', { name: 'Difference' });
      await page.getByRole('radiogroup', { name: 'Shown' }).getByText('Difference').click();
      await expect(difference).toContainText('exports.count');
      await expect(difference).toContainText('test/count.test.js');
      expect(await read(repository, 'count.js')).toContain('exports.count');
      expect(await git(repository, 'status', '--porcelain')).toBe('');
    });

    await test.step('what is known of it', async () => {
      await window.goTo('Wiki');
      await page.getByRole('searchbox').fill('releases');
      await page.getByRole('list', { name: '1 page found' }).getByRole('link').click();
      const claim = page.getByRole('button', { name: /Evidence of: .*Count the releases/ });
      await claim.click();
      await expect(page.getByRole('dialog', { name: 'Evidence' })).toContainText('T-catalogue-1');
      await page.getByRole('dialog').getByRole('link', { name: 'T-catalogue-1' }).first().click();
      await expect(window.heading).toHaveText('Count the releases');
    });
  });
});

test('[R1] [A10] [G6] from an empty workspace to merged work and its page, by keyboard alone', async ({
  desk,
  window,
  page,
}) => {
  const repository = await makeShellRepository(path.join(desk.workspace.around, 'label'));
  await page.clock.install();
  await window.open((await desk.workspace.serve()).url);
  const { keyboard } = page;

  await test.step('a repository', async () => {
    await expect(page.getByLabel(/Folder of a git repository/)).toBeFocused();
    await keyboard.type(repository);
    await keyboard.press('Enter');
    await tabTo(page, page.getByLabel('Test', { exact: true }));
    await keyboard.press('Control+a');
    await keyboard.type('sh check.sh');
    await keyboard.press('Enter');
    await expect(page.getByText('The checks pass on the branch as it is')).toBeVisible(aWhile);
    await tabTo(page, page.getByRole('button', { name: 'Go to Today' }));
    await keyboard.press('Enter');
  });

  await test.step('a sentence, and its details', async () => {
    const box = page.getByLabel('What should be done?');
    await tabTo(page, box);
    await keyboard.type('Write two');
    await keyboard.press('Enter');
    await expect(page.getByText('needs a command before it can be approved')).toBeVisible();
    await expect(box).toHaveValue('');
    await tabTo(page, page.getByRole('button', { name: 'Add details' }));
    await keyboard.press('Enter');
    const editor = page.getByRole('dialog');
    await expect(editor.getByLabel('Title')).toHaveValue('Write two');
    await expect(editor.getByLabel('Command', { exact: true })).toBeFocused();
    await keyboard.type('echo two >> notes.txt');
    await keyboard.press('Escape');
    await expect(editor).toBeHidden();
    await window.command('Go to Approvals');
    await expect(window.card).toContainText('needs a command before it can be approved');
    await expect(page.getByRole('button', { name: 'Approve' })).toBeDisabled();
    await keyboard.press('e');
    await expect(editor.getByLabel('Command', { exact: true })).toBeFocused();
    await expect(editor.getByLabel('Command', { exact: true })).toHaveValue('echo two >> notes.txt');
    await tabTo(page, editor.getByLabel('May touch'));
    await keyboard.type('notes.txt');
    await keyboard.press('Control+Enter');
    await expect(editor).toBeHidden();
    await expect(window.card).toContainText('echo two >> notes.txt');
    await keyboard.press('e');
    await tabTo(page, editor.getByLabel('Acceptance'));
    await keyboard.type('grep -q two notes.txt');
    await keyboard.press('Control+Enter');
    await expect(editor).toBeHidden();
    await expect(window.card).toContainText('grep -q two notes.txt');
  });

  await test.step('approved, taken back, approved', async () => {
    await keyboard.press('a');
    await expect(window.pending).toBeVisible();
    await keyboard.press('z');
    await expect(window.pending).toBeHidden();
    await page.clock.fastForward(10_000);
    await keyboard.press('n');
    await expect(window.card).toContainText('Write two');
    expect((await desk.show('T-label-1')).state).toBe('draft');
    await keyboard.press('a');
    await expect(window.pending).toBeVisible();
    await page.clock.fastForward(5_000);
    await expect(window.pending).toBeHidden();
  });

  await test.step('followed to its end, and what it changed', async () => {
    await window.command('T-label-1');
    await expect(window.heading).toHaveText('Write two');
    await expect(stateOf(page)).toHaveText('Merged', aWhile);
    await tabTo(page, page.getByRole('radio', { name: 'Timeline' }));
    await keyboard.press('ArrowRight');
    await expect(page.getByRole('region', { name: 'Difference' })).toContainText('two');
  });

  await test.step('what is known of it', async () => {
    await window.command('Go to Wiki');
    await expect(window.heading).toHaveText('Wiki');
    await keyboard.press('/');
    await keyboard.type('two');
    const hit = page.getByRole('list', { name: '1 page found' }).getByRole('link');
    await tabTo(page, hit);
    await keyboard.press('Enter');
    await tabTo(page, page.getByRole('button', { name: /Evidence of: .*Write two/ }));
    await keyboard.press('Enter');
    await tabTo(page, page.getByRole('dialog').getByRole('link', { name: 'T-label-1' }).first());
    await keyboard.press('Enter');
    await expect(window.heading).toHaveText('Write two');
  });
  expect(await read(repository, 'notes.txt')).toBe('one\ntwo\n');
});
