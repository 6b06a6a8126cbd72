import { AskView } from '../../../src-main/contract/guard.ts';
import { violations } from '../axe.ts';
import { ticket } from './fixtures.ts';
import { expect, test } from './stand-in.ts';

const commit = '4f1b'.repeat(10);
const run = 'R-label-0042';
const at = new Date(Date.UTC(2026, 10, 20, 9)).toISOString();

const planned = ticket({
  id: 'T-label-31',
  brand: 'label',
  title: 'Move the catalogue into a database',
  state: 'in_progress',
  mode: 'plan_first',
  description: 'Releases come from one file today.',
  planState: 'waiting',
  modeDecision: {
    mode: 'plan_first',
    rule: 'migrations-are-planned',
    reason: 'it may change a database',
    review: 'operator',
  },
  plans: [
    {
      version: 1,
      text: 'Rewrite everything at once.',
      run,
      at,
      position: 4,
      review: { decision: 'revision', by: 'operator', note: 'Smaller steps, please.', at },
    },
    {
      version: 2,
      text: '1. Add `db/migrations/0001_releases.sql`.\n2. Read releases from it behind the same function.\n3. Keep the file until the next ticket.\n\nWhat could go wrong: the order of tracks.',
      run,
      at,
      position: 6,
      review: null,
    },
  ],
});
const asking = ticket({
  id: 'T-label-32',
  brand: 'label',
  title: 'Name the new series',
  state: 'in_progress',
  questions: [
    {
      id: 'Q-1',
      run,
      text: 'The brief names two series. Which of them should the page show first?',
      choices: ['Night Office', 'Day Shift'],
      at,
      answer: null,
      answeredAt: null,
    },
  ],
});
const stopped = ticket({
  id: 'T-label-33',
  brand: 'label',
  title: 'Add an index of releases',
  state: 'verifying',
  attempts: 1,
  checkpoint: {
    attempt: 'T-label-33.1',
    commit,
    state: 'waiting',
    at,
    hits: [
      {
        rule: 'migration',
        kind: 'migration',
        path: 'db/migrations/0002_index.sql',
        reason: 'it changes a database',
      },
      {
        rule: 'lockfile',
        kind: 'verification',
        path: 'package-lock.json',
        reason: 'it changes what the project depends on, tools of verification included',
      },
    ],
  },
});

const housekeeping = ticket({
  id: 'T-label-34',
  brand: 'label',
  title: 'Housekeeping: check 15 does not hold',
  description: '- Check 15, wiki index equals the files: 2 pages are not in it.',
  state: 'draft',
  housekeeping: true,
  reason: 'waits for a repair',
});
const conflicting = ticket({
  id: 'T-label-35',
  brand: 'label',
  title: 'Sort the catalogue',
  state: 'verifying',
  questions: [
    {
      id: 'conflict-T-label-35.2',
      run: null,
      about: 'conflict',
      text: 'it does not merge with main: content/catalogue.md',
      choices: ['Do it again on the branch as it is now', 'No, block the ticket'],
      at,
      answer: null,
      answeredAt: null,
    },
  ],
});
/** A question of a desk: no ticket is behind it. */
const ofDesk = (id: string, part: Partial<AskView> = {}) =>
  AskView.parse({
    id,
    brand: 'label',
    run: 'R-label-desk-7',
    ticket: null,
    role: 'desk',
    tool: 'Bash',
    kind: 'execute',
    text: 'npm publish --access public',
    paths: ['/work/package.json'],
    rule: 'publishing-is-asked',
    level: 'brand',
    reason: 'what is published cannot be taken back',
    askedAt: new Date().toISOString(),
    expiresAt: new Date(Date.now() + 9.9 * 60_000).toISOString(),
    state: 'open',
    note: '',
    ...part,
  });

const cards = [
  { name: 'a plan', path: '/approvals/T-label-31/plan', shows: 'Read releases from it' },
  { name: 'a question', path: '/approvals/T-label-32/question', shows: 'Which of them should' },
  { name: 'a checkpoint', path: '/approvals/T-label-33/checkpoint', shows: 'it changes a database' },
  { name: 'a conflict', path: '/approvals/T-label-35/conflict', shows: 'It does not merge with main' },
  { name: 'housekeeping', path: '/approvals/T-label-34/housekeeping', shows: 'wiki index equals the files' },
  { name: 'a call of a desk', path: '/approvals/ask/A-label-1', shows: 'published cannot be taken back' },
  { name: 'what stopped', path: '/approvals/T-quant-7/dead-letter', shows: 'It stopped by itself' },
];

test.beforeEach(({ core }) => {
  for (const each of [planned, asking, stopped, housekeeping, conflicting]) core.replace(each);
  core.asks(ofDesk('A-label-1'));
});

test('axe finds nothing wrong on a card of any kind, light and dark', async ({ window, core, page }) => {
  for (const { name, path, shows } of cards) {
    await window.open(core.url(path));
    await expect(page.getByRole('region', { name: 'Ticket to approve' })).toContainText(shows);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      expect.soft(await violations(page), `${name}, ${colorScheme}`).toEqual([]);
    }
  }
});

test('[A6] a plan is approved by its key, with its way back until it is sent', async ({
  window,
  core,
  page,
}) => {
  await window.open(core.url('/approvals/T-label-31/plan'));
  await page.getByRole('button', { name: /Approve the plan/ }).waitFor();
  await expect(window.card).toContainText('Version 2 waits for you');
  await expect(window.card.getByRole('blockquote').first()).toContainText('Smaller steps, please.');
  await expect(window.card.getByLabel('What changed since version 1')).toContainText(
    '− Rewrite everything at once.',
  );
  await page.keyboard.press('a');
  await page.keyboard.press('z');
  await expect(page).toHaveURL(/T-label-31\/plan/);
  expect(core.asked.filter((call) => call.name === 'plan.approve')).toEqual([]);
  await page.keyboard.press('r');
  await page.getByRole('textbox', { name: 'What should be different?' }).fill('Keep the order of tracks.');
  await page.getByRole('dialog').getByRole('button', { name: 'Send back' }).click();
  await expect(page.getByRole('dialog')).toHaveCount(0);
  expect(core.asked.filter((call) => call.name === 'plan.revise')).toMatchObject([
    { input: { id: 'T-label-31', version: 2, note: 'Keep the order of tracks.' } },
  ]);
});

test('[A11] a question is answered by its digit, and what a commit touches is refused with a note', async ({
  window,
  core,
  page,
}) => {
  await window.open(core.url('/approvals/T-label-32/question'));
  await page.getByRole('button', { name: /Night Office/ }).waitFor();
  await page.keyboard.press('1');
  await expect
    .poll(() => core.asked.filter((call) => call.name === 'question.answer'))
    .toMatchObject([{ input: { id: 'T-label-32', question: 'Q-1', answer: 'Night Office' } }]);
  await window.open(core.url('/approvals/T-label-33/checkpoint'));
  await page.getByRole('button', { name: /Let it pass/ }).waitFor();
  await page.keyboard.press('r');
  await page.getByRole('textbox', { name: 'Why should it not pass?' }).fill('No new packages.');
  await page.getByRole('dialog').getByRole('button', { name: 'Refuse' }).click();
  await expect(page.getByRole('dialog')).toHaveCount(0);
  expect(core.asked.filter((call) => call.name === 'checkpoint.refuse')).toMatchObject([
    { input: { id: 'T-label-33', commit, note: 'No new packages.' } },
  ]);
});

test('[B1] a call of a desk is decided by key and by mouse, and says when it waits no longer', async ({
  window,
  core,
  page,
}) => {
  for (const id of ['A-label-2', 'A-label-3', 'A-label-4']) core.asks(ofDesk(id));
  await window.open(core.url('/approvals/ask/A-label-1'));
  await expect(window.card).toContainText('npm publish --access public');
  await expect(window.card).toContainText('Without an answer it is denied in 10 min.');
  const answers = () => core.asked.filter((call) => call.name === 'guard.answer').map((call) => call.input);
  await page.keyboard.press('a');
  await expect.poll(answers).toMatchObject([{ id: 'A-label-1', decision: 'allow' }]);
  await window.open(core.url('/approvals/ask/A-label-2'));
  await page.getByRole('button', { name: /^Deny/ }).click();
  await expect.poll(answers).toMatchObject([{}, { id: 'A-label-2', decision: 'deny' }]);

  // The most urgent one is shown, and stays when somebody answers it elsewhere.
  await window.open(core.url('/approvals'));
  await page.getByRole('button', { name: /Allow once/ }).waitFor();
  core.asks(ofDesk('A-label-3', { state: 'denied', note: 'not today' }));
  await expect(window.card).toContainText('You denied it');
  await expect(window.card).toContainText('not today');
  await expect(page.getByRole('group', { name: 'Decision' })).toHaveCount(0);
  core.asks(ofDesk('A-label-4', { state: 'expired', note: 'nobody answered within 10 minutes' }));
  await window.open(core.url('/approvals/ask/A-label-4'));
  await expect(window.card).toContainText('nobody answered within 10 minutes');
  await expect(page.getByRole('group', { name: 'Decision' })).toHaveCount(0);
});

test('[B8] what the doctor found waits for the operator, who has the checks run again', async ({
  window,
  core,
  page,
}) => {
  await window.open(core.url('/approvals/T-label-34/housekeeping'));
  await page.getByRole('button', { name: /Run the doctor/ }).waitFor();
  await page.keyboard.press('a');
  await expect.poll(() => core.asked.filter((call) => call.name === 'doctor')).toHaveLength(1);
});
