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

const cards = [
  { name: 'a plan', path: '/approvals/T-label-31/plan', shows: 'Read releases from it' },
  { name: 'a question', path: '/approvals/T-label-32/question', shows: 'Which of them should' },
  { name: 'a checkpoint', path: '/approvals/T-label-33/checkpoint', shows: 'it changes a database' },
  { name: 'what stopped', path: '/approvals/T-quant-7/dead-letter', shows: 'It stopped by itself' },
];

test.beforeEach(({ core }) => {
  for (const each of [planned, asking, stopped]) core.replace(each);
});

for (const scheme of ['light', 'dark'] as const) {
  test(`${scheme}: axe finds nothing wrong on a card of any kind`, async ({ window, core, page }) => {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    for (const { name, path, shows } of cards) {
      await window.open(core.url(path));
      await expect(page.getByRole('region', { name: 'Ticket to approve' })).toContainText(shows);
      expect.soft(await window.violations(), name).toEqual([]);
    }
  });
}

test('[A6] a plan is approved by its key, with its way back until it is sent', async ({
  window,
  core,
  page,
}) => {
  await window.open(core.url('/approvals/T-label-31/plan'));
  await page.getByRole('button', { name: /Approve the plan/ }).waitFor();
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
