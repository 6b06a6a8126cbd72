import type { z } from 'zod';
import type { BrandView } from '../../../src-main/contract/brands.ts';
import type { PageView } from '../../../src-main/contract/wiki.ts';
import type { RunOutput, RunView } from '../../../src-main/contract/runs.ts';
import { type Snapshot, Snapshot as SnapshotSchema } from '../../../src-main/contract/feed.ts';
import { TicketDetail } from '../../../src-main/contract/tickets.ts';
import { examination } from './fixture-doctor.ts';

/** How much there is: nothing at all, a usual day, or lists of three hundred. */
export type Amount = 'none' | 'some' | 'many';

/** What text of others may try: markup, a script's address, direction overrides, controls, and length. */
export const hostile = {
  title: 'Add <img src=x onerror="window.__hostile=1"> \u202Eevil\u202C and \u0007bell',
  page: [
    '---',
    'title: Hostile',
    '---',
    '# Hostile <script>window.__hostile=1</script>',
    '',
    '<img src="http://127.0.0.1:9/steal.png" onerror="window.__hostile=1">',
    '',
    '![tracking](http://127.0.0.1:9/pixel.png) and [run this](javascript:window.__hostile=1)',
    '',
    'A [far place](http://example.test/away) and [[label/distribution]].',
    '',
    '<a href="javascript:window.__hostile=1" onclick="window.__hostile=1">raw</a>',
  ].join('\n'),
};

const start = Date.UTC(2026, 10, 20, 9, 0, 0);
/** A moment, some minutes before now. */
const before = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
const checks = { setup: 'npm ci', test: 'npm test', lint: 'npm run lint', count: 'tap' as const };

const longName = 'The studio of unreasonably long names that never seem to end, international division';

export function brandsOf(amount: Amount): BrandView[] {
  if (amount === 'none') return [];
  const repository = (name: string, baseline: 'green' | 'red' | 'none') => ({
    name,
    path: `/home/op/src/${name}`,
    branch: 'main',
    checks,
    baseline,
    detail:
      baseline === 'red'
        ? 'npm test ended with exit code 1: 2 of 41 tests fail (prices.test.ts)'
        : '41 tests, 3.2 s',
  });
  const brand = (
    id: string,
    name: string,
    colour: number,
    sealed: boolean,
    baseline: 'green' | 'red' | 'none',
  ) =>
    ({
      id,
      name,
      colour,
      sealed,
      state: 'open',
      repositories: [repository(`${id}-site`, baseline)],
    }) as unknown as BrandView;
  return [
    brand('label', 'Label', 0, false, 'green'),
    brand('studio', longName, 1, false, 'red'),
    brand('quant', 'Quant', 2, true, 'green'),
    brand('home', 'Home', 4, false, 'none'),
  ];
}

type Draft = Partial<z.input<typeof TicketDetail>> &
  Pick<z.input<typeof TicketDetail>, 'id' | 'brand' | 'title' | 'state'>;

/** A ticket with everything that is not said filled in. */
export function ticket(draft: Draft): TicketDetail {
  const minutes = Number(draft.id.slice(draft.id.lastIndexOf('-') + 1)) * 7;
  return TicketDetail.parse({
    mode: 'direct',
    priority: 3,
    hash:
      `${draft.id}-`
        .padEnd(12, '9')
        .replace(/[^a-z0-9]/gi, 'a')
        .toLowerCase() + '4f1be0c2d7a95b3e6c8d',
    dependsOn: [],
    paths: ['src/pages/releases/**', 'content/releases/*.md'],
    acceptance: ['npm run build', 'node scripts/check-links.js'],
    runtime: 'gemini',
    costCapUsd: 5,
    attempts: draft.attemptList?.length ?? 0,
    blockedReason: null,
    reason: draft.state === 'draft' ? 'Waits for your approval' : 'Approved',
    parent: null,
    assignee: null,
    housekeeping: false,
    repository: `${draft.brand}-site`,
    createdAt: before(minutes + 60),
    updatedAt: before(minutes),
    version: 1,
    description: '',
    why: '',
    plan: draft.plans?.at(-1)?.text ?? null,
    planState: 'none',
    plans: [],
    modeDecision: {
      mode: draft.mode ?? 'direct',
      rule: 'ordinary',
      reason: 'no row asks for a plan',
      review: 'reviewer',
    },
    questions: [],
    checkpoint: null,
    command: null,
    model: null,
    modelClass: 'medium',
    network: [],
    grants: [],
    references: [],
    blocks: [],
    contract: 'executor 3f9a2c81',
    checks,
    base: null,
    mergedCommit: null,
    successor: null,
    predecessor: null,
    comments: [],
    attemptList: [],
    artifacts: [],
    timeline: [
      { at: before(minutes + 60), position: 1, type: 'ticket.drafted', text: 'You drafted the ticket' },
    ],
    costUsd: 0,
    ...draft,
  });
}

const commit = (digit: string) => digit.repeat(40);

export function ticketsOf(amount: Amount): TicketDetail[] {
  if (amount === 'none') return [];
  const named = [
    ticket({
      id: 'T-label-16',
      brand: 'label',
      title: 'Add pre-order links to the release pages',
      state: 'draft',
      priority: 2,
      description:
        'Each release page shows where it can be ordered before it is out: Bandcamp first, then the shops that have a link in the release’s file.\n\nA release without links shows nothing.',
      why: 'You answered “pre-orders” to “What should a visitor of a coming release do?” yesterday.',
      network: ['bandcamp.com'],
      dependsOn: ['T-label-14'],
    }),
    ticket({
      id: 'T-label-17',
      brand: 'label',
      title: hostile.title,
      state: 'draft',
      paths: [],
      acceptance: [],
      runtime: 'command',
      command: [
        'set -e',
        'for cover in content/covers/*.png; do',
        '\tsh scripts/rename.sh "$cover" --into content/releases --keep-the-address --say-where-it-went',
        'done',
        'printf "\u001b[8mhidden"',
      ].join('\n'),
      description: '<b>bold?</b> <script>window.__hostile=1</script>',
    }),
    ticket({
      id: 'T-studio-3',
      brand: 'studio',
      title:
        'Move every draft whose title is longer than what a screen can show into the archive, keep its address, and say on the page where it went, in all of the four languages',
      state: 'draft',
      paths: ['db/migrations/**', 'src/archive/**', 'package.json'],
      grants: ['CMS_TOKEN'],
      costCapUsd: 40,
      modelClass: 'heavy',
      runtime: 'claude',
    }),
    ticket({
      id: 'T-label-15',
      brand: 'label',
      title: 'Compress the artist pictures',
      state: 'ready',
      reason: 'Waits for T-label-14, which changes the same files',
      dependsOn: ['T-label-14'],
    }),
    ticket({
      id: 'T-label-14',
      brand: 'label',
      title: 'Show the next three concerts on the front page',
      state: 'in_progress',
      reason: 'Attempt 2 runs: editing src/pages/index.astro',
      assignee: 'gemini',
      description: 'The front page lists the next three concerts of all artists, soonest first.',
      costUsd: 0.31,
      attemptList: [
        {
          id: 'T-label-14.1',
          run: 'R-label-0031',
          runtime: 'gemini',
          state: 'failed',
          reason: 'The gate failed: 1 of 44 tests fails (concerts.test.ts: past concerts are listed)',
          base: commit('b'),
          commit: commit('a'),
          counts: true,
          startedAt: before(95),
          endedAt: before(80),
        },
        {
          id: 'T-label-14.2',
          run: 'R-label-0033',
          runtime: 'gemini',
          state: 'running',
          reason: 'Editing src/pages/index.astro',
          base: commit('b'),
          commit: null,
          counts: true,
          startedAt: before(6),
          endedAt: null,
        },
      ],
      artifacts: [
        {
          name: 'gate-report',
          version: 1,
          attempt: 'T-label-14.1',
          at: before(80),
          position: 9,
          content: {
            attempt: 'T-label-14.1',
            onto: commit('b'),
            candidate: commit('a'),
            tree: commit('c'),
            outcome: 'fail',
            conditions: [
              { name: 'commits', outcome: 'pass', detail: '2 commits on the base', durationMs: 12 },
              { name: 'merge', outcome: 'pass', detail: 'Merges onto main without conflict', durationMs: 41 },
              {
                name: 'paths',
                outcome: 'pass',
                detail: '3 files, all inside the ticket’s paths',
                durationMs: 3,
              },
              {
                name: 'test',
                outcome: 'fail',
                detail: '1 of 44 tests fails: concerts.test.ts, past concerts are listed',
                durationMs: 8400,
              },
              { name: 'lint', outcome: 'pass', detail: 'Exit code 0', durationMs: 2100 },
              {
                name: 'verdict',
                outcome: 'unverified',
                detail: 'The verifier was not asked: the tests failed',
                durationMs: 0,
              },
            ],
          },
        },
      ],
      timeline: [
        { at: before(160), position: 1, type: 'ticket.drafted', text: 'You drafted the ticket' },
        { at: before(150), position: 2, type: 'ticket.approved', text: 'You approved it' },
        {
          at: before(96),
          position: 3,
          type: 'ticket.started',
          text: 'Dispatch started it: its dependencies are merged',
        },
        {
          at: before(95),
          position: 4,
          type: 'attempt.started',
          text: 'Attempt 1 began with Gemini CLI on main at bbbbbbbb',
        },
        { at: before(82), position: 7, type: 'ticket.submitted', text: 'Attempt 1 submitted 2 commits' },
        { at: before(80), position: 9, type: 'gate.reported', text: 'The gate failed: 1 of 44 tests fails' },
        {
          at: before(80),
          position: 10,
          type: 'attempt.ended',
          text: 'Attempt 1 failed; two attempts are left',
        },
        {
          at: before(6),
          position: 11,
          type: 'attempt.started',
          text: 'Attempt 2 began with Gemini CLI, with the gate’s report in its brief',
        },
      ],
      comments: [{ at: before(70), by: 'operator', text: 'Past concerts belong on the archive page.' }],
    }),
    ticket({
      id: 'T-quant-8',
      brand: 'quant',
      title: 'Recompute the fill statistics',
      state: 'verifying',
      reason: 'The checks run on the merged tree',
    }),
    ticket({
      id: 'T-quant-7',
      brand: 'quant',
      title: 'Drop the unused price feed',
      state: 'blocked',
      blockedReason: 'dead-letter',
      reason: 'Blocked: three attempts failed; the last one at the lint command',
      attemptList: [1, 2, 3].map((number) => ({
        id: `T-quant-7.${number}`,
        run: `R-quant-00${number}0`,
        runtime: 'claude' as const,
        state: 'failed' as const,
        reason: 'The gate failed: npm run lint ended with exit code 1',
        base: commit('b'),
        commit: commit('a'),
        counts: true,
        startedAt: before(300 - number * 40),
        endedAt: before(280 - number * 40),
      })),
      timeline: [
        { at: before(400), position: 1, type: 'ticket.drafted', text: 'You drafted the ticket' },
        { at: before(390), position: 2, type: 'ticket.approved', text: 'You approved it' },
        { at: before(300), position: 3, type: 'ticket.started', text: 'Dispatch started it' },
        { at: before(170), position: 8, type: 'ticket.submitted', text: 'Attempt 3 submitted 1 commit' },
        { at: before(160), position: 9, type: 'ticket.blocked', text: 'Blocked: three attempts failed' },
      ],
    }),
    ticket({
      id: 'T-label-12',
      brand: 'label',
      title: 'Write alternative text for all covers',
      state: 'merged',
      mergedCommit: commit('d'),
      reason: 'Merged as dddddddd',
      costUsd: 0.22,
    }),
    ticket({
      id: 'T-home-2',
      brand: 'home',
      title: 'Sort the recipe cards by season',
      state: 'merged',
      mergedCommit: commit('e'),
      reason: 'Merged as eeeeeeee',
    }),
  ];
  if (amount === 'some') return named;
  const states = ['draft', 'ready', 'in_progress', 'verifying', 'merged', 'blocked'] as const;
  const more = Array.from({ length: 300 }, (_, index) =>
    ticket({
      id: `T-label-${100 + index}`,
      brand: 'label',
      title: `Piece of work number ${index + 1}, one of many`,
      state: states[index % states.length] ?? 'merged',
      ...(states[index % states.length] === 'blocked' && {
        blockedReason: 'operator',
        reason: 'You blocked it: not now',
      }),
    }),
  );
  return [...named, ...more];
}

export function runsOf(amount: Amount): RunView[] {
  if (amount === 'none') return [];
  const run = (part: Record<string, unknown>) =>
    ({
      brand: 'label',
      role: 'ticket-executor',
      ticket: 'T-label-14',
      attempt: 'T-label-14.2',
      runtime: 'gemini',
      state: 'running',
      reason: 'Editing src/pages/index.astro',
      startedAt: before(6),
      endedAt: null,
      contextUsed: 0.42,
      tokens: { input: 48_210, output: 3_902 },
      costUsd: 0.12,
      canaries: 14,
      limits: '4 GB memory, 512 processes',
      ...part,
    }) as unknown as RunView;
  const named = [
    run({ id: 'R-label-0033' }),
    run({
      id: 'R-quant-0004',
      brand: 'quant',
      role: 'verifier',
      ticket: 'T-quant-8',
      attempt: null,
      runtime: 'claude',
      reason: 'Reading the difference',
      contextUsed: null,
      canaries: null,
      startedAt: before(1),
    }),
    run({
      id: 'R-label-0031',
      attempt: 'T-label-14.1',
      state: 'failed',
      reason: 'The gate failed: 1 of 44 tests fails',
      startedAt: before(95),
      endedAt: before(80),
      contextUsed: 0.61,
      costUsd: 0.19,
    }),
  ];
  if (amount === 'some') return named;
  const more = Array.from({ length: 300 }, (_, index) =>
    run({
      id: `R-label-${1000 + index}`,
      state: 'done',
      reason: 'Submitted',
      startedAt: before(200 + index),
      endedAt: before(190 + index),
      ticket: null,
      attempt: null,
    }),
  );
  return [...named, ...more];
}

export const output: Omit<RunOutput, 'index'>[] = [
  { at: before(6), kind: 'note', text: '14 canaries denied; the program starts' },
  { at: before(6), kind: 'text', text: 'I will read the front page and the test that failed first.' },
  { at: before(5), kind: 'tool', text: 'read src/pages/index.astro' },
  { at: before(5), kind: 'thought', text: 'Past concerts are listed because the filter compares strings.' },
  { at: before(4), kind: 'tool', text: 'edit src/lib/concerts.ts' },
  {
    at: before(3),
    kind: 'stdout',
    text: [
      '> npm test',
      ...Array.from(
        { length: 44 },
        (_, index) => `\u001b[32mok ${index + 1}\u001b[0m - concert ${index + 1}`,
      ),
    ].join('\n'),
  },
  { at: before(2), kind: 'stderr', text: 'warning: \u0007 <script>window.__hostile=1</script>' },
  { at: before(2), kind: 'permission', text: 'asked for the network: denied by rule network.none' },
  { at: before(1), kind: 'usage', text: '48,210 tokens in, 3,902 out' },
];

export const difference = `diff --git a/src/lib/concerts.ts b/src/lib/concerts.ts
index 3f1a2b4..9c8d7e6 100644
--- a/src/lib/concerts.ts
+++ b/src/lib/concerts.ts
@@ -1,12 +1,15 @@
 import { readAll } from './content';
 
-export function next(concerts, count) {
-  return concerts.sort((a, b) => a.date < b.date ? -1 : 1).slice(0, count);
+/** The next concerts, soonest first; those of today count. */
+export function next(concerts: Concert[], count: number, today: Date): Concert[] {
+  return concerts
+    .filter((concert) => concert.date.getTime() >= startOfDay(today).getTime())
+    .sort((a, b) => a.date.getTime() - b.date.getTime())
+    .slice(0, count);
 }
 
 export function past(concerts) {
   return concerts.filter((concert) => concert.date < new Date());
 }
 
 export const all = readAll('concerts');
diff --git a/src/pages/concerts.astro b/src/pages/concerts.astro
new file mode 100644
index 0000000..1111111
--- /dev/null
+++ b/src/pages/concerts.astro
@@ -0,0 +1,4 @@
+---
+import { next } from '../lib/concerts';
+---
+<ul>{next(all, 3, new Date()).map((concert) => <li>{concert.title} <script>window.__hostile=1</script></li>)}</ul>
`;

export function pagesOf(amount: Amount): PageView[] {
  if (amount === 'none') return [];
  const page = (
    path: string,
    title: string,
    brand: string,
    body: string,
    part: Partial<PageView> = {},
  ): PageView => ({
    page: `wiki/${path}.md`,
    title,
    brand,
    authority: 'librarian',
    confidence: 'high',
    updated: before(900),
    sources: [{ kind: 'ticket', ref: 'T-label-12' }],
    body,
    hash: 'ab12',
    backlinks: [],
    claims: [],
    ...part,
  });
  return [
    page(
      'label/concerts',
      'How concerts are kept',
      'label',
      [
        '---',
        'title: How concerts are kept',
        '---',
        'Concerts are kept as one file each in `content/concerts`. See also [[distribution|how releases are distributed]] and [[T-label-14]].',
        '',
        '## Dates',
        '',
        'Dates are days without a time zone. A concert of today counts as coming.',
        '',
        '- The front page lists the next three concerts.',
        '- Past concerts go to the archive page.',
        '',
        '## Files',
        '',
        '| Field | Meaning |',
        '| --- | --- |',
        '| `date` | The day |',
        '| `venue` | Where |',
        '',
        '```ts',
        "const all = readAll('concerts');",
        '```',
        '',
        '> Nobody has said what happens to a concert that moves.',
      ].join('\n'),
      {
        backlinks: ['wiki/label/distribution.md', 'wiki/_global/dates.md'],
        claims: [
          {
            id: 'c1',
            text: 'Concerts are kept as one file each in `content/concerts`.',
            confidence: 'high',
            sources: ['ticket T-label-12', 'commit dddddddd'],
            updated: before(900),
          },
          {
            id: 'c2',
            text: 'A concert of today counts as coming.',
            confidence: 'medium',
            sources: ['ticket T-label-14'],
            updated: before(3000),
          },
          {
            id: 'c3',
            text: 'Past concerts go to the archive page.',
            confidence: 'low',
            sources: [],
            updated: before(30_000),
          },
          {
            id: 'c4',
            text: 'Posters are printed in A3.',
            confidence: 'medium',
            sources: ['ledger 2026-11-02 line 14'],
            updated: before(30_000),
          },
        ],
      },
    ),
    page(
      'label/distribution',
      'How releases are distributed',
      'label',
      'Releases go to the shops eight weeks before they are out.',
    ),
    page('quant/fills', 'What a fill is', 'quant', 'A fill is one execution of an order.'),
    page('_global/dates', 'Dates', '_global', 'Dates are written year first.'),
    page('label/hostile', hostile.title, 'label', hostile.page),
    ...(amount === 'many'
      ? Array.from({ length: 300 }, (_, index) =>
          page(`label/page-${index}`, `Page ${index + 1} of many`, 'label', 'One of many.'),
        )
      : []),
  ];
}

export function snapshotOf(amount: Amount): Snapshot {
  return SnapshotSchema.parse({
    workspace: { path: '/home/op/atrium', name: 'Atrium', today: new Date(start).toISOString().slice(0, 10) },
    config: { name: 'Atrium', defaultRuntime: 'gemini', models: { gemini: {} } },
    brands: brandsOf(amount),
    tickets: ticketsOf(amount),
    runs: runsOf(amount),
    lacks:
      amount === 'none'
        ? [
            {
              what: 'sandbox',
              message: 'This machine has no bubblewrap, so no run can be walled in and none will start.',
              hint: 'Install it: sudo apt install bubblewrap',
            },
            {
              what: 'runtime',
              message: 'Claude Code is not here.',
              hint: 'Gemini CLI and commands work without it.',
            },
          ]
        : [],
    runtimes: [
      {
        name: 'command',
        title: 'Command',
        present: true,
        version: '',
        detail: 'A shell command in the sandbox',
        capabilities: ['output', 'interrupt', 'commit', 'submit'],
        probedAt: before(4),
      },
      {
        name: 'scripted',
        title: 'Scripted',
        present: true,
        version: '',
        detail: 'For rehearsals',
        capabilities: ['output', 'permissions'],
        probedAt: before(4),
      },
      {
        name: 'gemini',
        title: 'Gemini CLI',
        present: true,
        version: '0.61.0',
        detail: 'Key from GEMINI_API_KEY',
        capabilities: ['output', 'tools', 'permissions', 'every call decided', 'usage', 'interrupt'],
        probedAt: before(4),
      },
      {
        name: 'claude',
        title: 'Claude Code',
        present: amount !== 'none',
        version: amount === 'none' ? '' : '2.4.1',
        detail: amount === 'none' ? 'Not found on this machine' : 'Key from a file',
        capabilities: amount === 'none' ? [] : ['output', 'tools', 'every call decided', 'check-in'],
        probedAt: before(4),
      },
    ],
    waiting: [],
    doctor: amount === 'none' ? null : examination(before(9 * 60)),
    lastStart:
      amount === 'none'
        ? null
        : {
            run: 'S-2026-11-20',
            phases: [
              { number: 0, name: 'initialise', outcome: 'ran', reason: 'Opened 4 brands', ms: 214, runs: 0 },
              {
                number: 1,
                name: 'scout',
                outcome: 'ran',
                reason: 'Looked at 4 repositories',
                ms: 1830,
                runs: 0,
              },
              {
                number: 2,
                name: 'housekeeping',
                outcome: 'skipped',
                reason: 'Nothing is older than 14 days',
                ms: 3,
                runs: 0,
              },
              {
                number: 3,
                name: 'outstanding',
                outcome: 'ran',
                reason: '1 ticket is blocked, 2 run',
                ms: 12,
                runs: 0,
              },
              { number: 4, name: 'brief', outcome: 'ran', reason: 'Wrote 4 briefs', ms: 90, runs: 0 },
              {
                number: 5,
                name: 'interview',
                outcome: 'skipped',
                reason: 'No findings of medium confidence since yesterday',
                ms: 1,
                runs: 0,
              },
              {
                number: 6,
                name: 'draft and approve',
                outcome: 'waiting',
                reason: '3 drafts wait for your approval',
                ms: 5,
                runs: 0,
              },
              { number: 7, name: 'dispatch', outcome: 'ran', reason: 'Started T-label-14', ms: 320, runs: 1 },
              { number: 8, name: 'distil', outcome: 'skipped', reason: 'Already done today', ms: 1, runs: 0 },
            ],
            waiting: { questions: 0, approvals: 3 },
            merged: ['T-label-12'],
            blocked: [],
          },
  });
}
