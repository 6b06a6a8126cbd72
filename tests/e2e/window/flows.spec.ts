import { hostile, ticket } from './fixtures.ts';
import { expect, test } from './stand-in.ts';

const approvals = (asked: { name: string; input: unknown }[]) =>
  asked.filter(({ name }) => name === 'ticket.approve');

test('a sentence is drafted, read, approved and opened with the keyboard alone', async ({
  window,
  core,
  page,
}) => {
  await window.open(core.url());
  for (let presses = 0; presses < 40; presses++) {
    await page.keyboard.press('Tab');
    if (await page.evaluate(() => document.activeElement?.tagName === 'INPUT')) break;
  }
  await page.keyboard.type('Show the shop on every page');
  await page.keyboard.press('Enter');
  const drafted = page.getByText('Drafted T-label-18.').first();
  await expect(drafted).toBeVisible();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await expect(window.card).toContainText('Show the shop on every page');
  await page.keyboard.press('a');
  await expect(window.pending).toContainText('Show the shop on every page');
  await expect(window.pending).toBeHidden({ timeout: 10_000 });
  expect(approvals(core.asked)).toMatchObject([{ input: { id: 'T-label-18' } }]);
  await window.command('T-label-18');
  await expect(window.heading).toHaveText('Show the shop on every page');
  await expect(page.getByRole('list', { name: 'State' }).locator('[aria-current]')).toHaveText('Ready');
});

test('an approval that is taken back is never sent', async ({ window, core, page }) => {
  await page.clock.install();
  await window.open(core.url('/approvals/T-label-16'));
  await expect(window.card).toContainText('Add pre-order links');
  const before = await window.needYou();
  await page.keyboard.press('a');
  await expect(window.pending).toContainText('Undo (5 s)');
  await expect(window.card).not.toContainText('Add pre-order links');
  await expect.poll(() => window.needYou()).toBe(before - 1);
  await page.clock.runFor(3_000);
  await page.keyboard.press('z');
  await expect(window.pending).toBeHidden();
  await expect(window.card).toContainText('Add pre-order links');
  await page.clock.runFor(10_000);
  expect(approvals(core.asked)).toEqual([]);
  await expect.poll(() => window.needYou()).toBe(before);
});

test('an approval names the hash that was shown, and a text that changed meanwhile is not approved', async ({
  window,
  core,
  page,
}) => {
  await page.clock.install();
  await window.open(core.url('/approvals/T-label-16'));
  await expect(window.card).toContainText('Add pre-order links');
  await page.keyboard.press('a');
  await expect(window.pending).toBeVisible();
  core.replace(
    ticket({
      id: 'T-label-16',
      brand: 'label',
      title: 'Something else',
      state: 'draft',
      hash: 'another',
      version: 9,
    }),
  );
  await page.clock.runFor(6_000);
  await expect(page.getByRole('alert')).toContainText('is not the text that was shown');
  await page.getByRole('button', { name: 'Read it again' }).click();
  await expect(window.card).toContainText('Something else');
  await expect(window.card).toContainText('changed');
});

test('without the core values stay, a bar says so, and everything resumes by itself', async ({
  window,
  core,
  page,
}) => {
  await window.open(core.url('/brand/label/tickets'));
  await expect(page.getByRole('link', { name: 'Compress the artist pictures' })).toBeVisible();
  core.goAway();
  await expect(window.coreGone).toBeVisible();
  await expect(page.getByRole('link', { name: 'Compress the artist pictures' })).toBeVisible();
  await page.keyboard.press('c');
  await page.getByLabel('Title').fill('Typed while it was gone');
  await page.keyboard.press('Control+Enter');
  await expect(page.getByText('so nothing was sent')).toBeVisible();
  core.comeBack();
  await expect(window.coreGone).toBeHidden({ timeout: 15_000 });
  await expect(page.getByLabel('Title')).toHaveValue('Typed while it was gone');
  await page.keyboard.press('Control+Enter');
  await expect(window.card).toContainText('Typed while it was gone');
});

test('text of others is shown and does nothing', async ({ window, core, page }) => {
  const outside: string[] = [];
  page.on('request', (request) => {
    const { protocol, host } = new URL(request.url());
    if (protocol !== 'data:' && host !== new URL(core.url()).host) outside.push(request.url());
  });
  const shown = hostile.title
    .replace('\u202E', '‹U+202E›')
    .replace('\u202C', '‹U+202C›')
    .replace('\u0007', '‹BEL›');
  for (const path of [
    '/',
    '/approvals/T-label-17',
    '/ticket/T-label-17',
    '/ticket/T-label-14',
    '/brand/label/tickets',
    '/brand/label/activity',
  ]) {
    await window.open(core.url(path));
    await page.waitForLoadState('networkidle');
    if (!path.endsWith('14') && !path.endsWith('activity'))
      await expect(page.getByText(shown).first()).toBeVisible();
  }
  await window.open(core.url('/wiki/label/hostile'));
  await expect(page.getByText('[picture: tracking]')).toBeVisible();
  await expect(page.getByText('http://example.test/away')).toBeVisible();
  expect(await page.locator('main a[href]:not([href^="/"])').count()).toBe(0);
  expect(await page.locator('main img, main iframe, main script').count()).toBe(0);
  await page.getByText('run this').click();
  await page.getByText('raw', { exact: true }).click();
  expect(outside).toEqual([]);
  expect(await page.evaluate(() => (globalThis as { __hostile?: unknown }).__hostile)).toBeUndefined();
});

test('the token leaves the address, and a reload needs none', async ({ window, core, page }) => {
  await window.open(core.url('/ticket/T-label-14'));
  expect(page.url()).not.toContain('token');
  await page.reload();
  await expect(window.heading).toHaveText('Show the next three concerts on the front page');
});

test('a page without a token says what to do', async ({ core, page }) => {
  await page.goto(core.url().replace(/#.*/, ''));
  await expect(page.getByText('This page may not speak to the core')).toBeVisible();
});

test('n opens the next decision, most urgent first, and j, k, Enter move in lists', async ({
  window,
  core,
  page,
}) => {
  await window.open(core.url());
  await page.keyboard.press('n');
  await expect(window.card).toContainText('Add pre-order links');
  await page.keyboard.press('n');
  await expect(window.card).not.toContainText('Add pre-order links');
  await window.goTo('Label');
  await page.getByRole('link', { name: /^Tickets/ }).click();
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await expect(page.getByRole('complementary')).toContainText('Compress the artist pictures');
  await page.keyboard.press('k');
  await page.keyboard.press('Enter');
  await expect(window.heading).toHaveText('Show the next three concerts on the front page');
  await page.keyboard.press('Escape');
  await expect(page).toHaveURL(/brand\/label\/tickets\/T-label-14$/);
});

test('new rows gather instead of moving the list', async ({ window, core, page }) => {
  await window.open(core.url('/brand/label/tickets'));
  const rows = page.getByRole('list', { name: 'Tickets' }).getByRole('link');
  await expect(rows).toHaveCount(4);
  core.replace(
    ticket({
      id: 'T-label-40',
      brand: 'label',
      title: 'Came meanwhile',
      state: 'ready',
      updatedAt: new Date().toISOString(),
    }),
  );
  await expect(page.getByRole('button', { name: '1 new' })).toBeVisible();
  await expect(rows).toHaveCount(4);
  await page.getByRole('button', { name: '1 new' }).click();
  await expect(rows.first()).toContainText('Came meanwhile');
});

test.describe('with much in it', () => {
  test.use({ amount: 'many' });
  test('three hundred tickets are listed', async ({ window, core, page }) => {
    await window.open(core.url('/brand/label/tickets'));
    await page.getByRole('button', { name: /^All/ }).click();
    await expect(page.getByRole('list', { name: 'Tickets' }).getByRole('link')).toHaveCount(305);
  });
});

test.describe('first launch', () => {
  test.use({ amount: 'none' });
  test('says what the machine lacks, guesses a repository, adds it, and says that it is red', async ({
    window,
    core,
    page,
  }) => {
    await window.open(core.url());
    await expect(page.getByText('This machine has no bubblewrap')).toBeVisible();
    await page.getByLabel(/Folder of a git repository/).fill('/home/op/missing');
    await page.keyboard.press('Enter');
    await expect(page.getByRole('alert')).toContainText('is not a git repository');
    await page.getByLabel(/Folder of a git repository/).fill('/home/op/shop');
    await page.keyboard.press('Enter');
    await page.getByLabel('Test', { exact: true }).fill('npm run test:all');
    await page.getByRole('button', { name: 'Run the checks and add' }).click();
    await expect(page.getByText('Red as it is')).toBeVisible();
    expect(core.asked.find(({ name }) => name === 'brand.add')?.input).toMatchObject({
      id: 'shop',
      test: 'npm run test:all',
      confirmed: true,
    });
    await page.getByRole('button', { name: 'Go to Today' }).click();
    await expect(page.getByLabel('What should be done?')).toBeVisible();
  });
});
