import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SearchHit } from '../../src-main/contract/wiki.ts';
import type { TicketDetail } from '../../src-main/contract/tickets.ts';
import { filesBelow, openDesk, processesAt } from '../support/desk.ts';
import type { AddedBrand, Desk, Started } from '../support/desk.ts';
import { git, makeNpmRepository, read, run } from '../support/fixture-repository.ts';
import { startModelServer } from '../support/model-server.ts';
import type { ModelServer } from '../support/model-server.ts';

const KEY = 'key-that-stays-outside-93417';

const COMMAND = `cat > duration.js <<'EOF'
const { sum } = require('small-sums');
exports.duration = (tracks) => sum(...tracks.map((each) => each.seconds));
EOF
cat > test/duration.test.js <<'EOF'
const test = require('node:test');
const assert = require('node:assert');
const { duration } = require('../duration.js');
test('adds up seconds', () => assert.equal(duration([{ seconds: 60 }, { seconds: 5 }]), 65));
EOF
npm test`;

const shell = (command: string) => [{ name: 'run_shell_command', args: { command } }];

/** What the model does for its ticket: a file by its tool, a commit by the shell, its result by its own command line. */
const GEMINI = [
  {
    text: 'I add the label.',
    calls: [
      {
        name: 'write_file',
        args: { file_path: '/work/label.js', content: "exports.label = 'Night Office';\n" },
      },
    ],
  },
  {
    calls: shell('env > environment.txt && git add -A && git commit -q -m "The label" && npm test'),
    usage: { input: 1_000, output: 50 },
  },
  { calls: shell('atrium submit result --summary "The label has a module."') },
  { text: 'The label is there and its result was submitted.' },
];

interface Run {
  id: string;
  role: string;
  ticket: string;
  tokens: number;
  costUsd: number;
}

describe('from an empty folder to merged work, by the CLI alone', () => {
  let model: ModelServer;
  let desk: Desk;
  let repository: string;
  let added: AddedBrand;
  let command: TicketDetail;
  let gemini: TicketDetail;
  let started: Started;

  beforeAll(async () => {
    model = await startModelServer(GEMINI);
    desk = await openDesk({
      env: { MODEL_KEY_OF_THE_TEST: KEY },
      config: { models: { gemini: { baseUrl: model.url, keyEnv: 'MODEL_KEY_OF_THE_TEST' } } },
    });
    repository = await makeNpmRepository(path.join(desk.workspace.around, 'catalogue'));
    added = await desk.addBrand('label', repository);
    command = await desk.draft('label', {
      title: 'Add up durations',
      description: 'The page shows how long a release lasts.',
      paths: ['duration.js', 'test/**'],
      acceptance: [
        'node -e "process.exit(require(\'./duration.js\').duration([{seconds: 2}]) === 2 ? 0 : 1)"',
      ],
      command: COMMAND,
    });
    gemini = await desk.draft('label', {
      title: 'Name the label',
      paths: ['label.js', 'environment.txt'],
      acceptance: ['grep -q Night label.js'],
      runtime: 'gemini',
      model: 'gemini-2.5-flash',
    });
    for (const ticket of [command, gemini]) await desk.approve(ticket);
    started = await desk.start();
    command = await desk.show(command.id);
    gemini = await desk.show(gemini.id);
  });
  afterAll(async () => {
    await desk.remove();
    await model.close();
  });

  test('the checks of the repository are guessed, and its baseline is green', () => {
    expect(added.repositories).toEqual([
      expect.objectContaining({
        path: repository,
        branch: 'main',
        checks: {
          setup: 'npm ci',
          test: expect.stringContaining('npm test') as string,
          lint: 'npm run lint',
          count: 'tap',
        },
        baseline: 'green',
      }),
    ]);
  });

  test('[P10] [A13] both tickets are merged, whichever program carried them out', () => {
    expect(started.blocked).toEqual([]);
    expect(started.merged.toSorted()).toEqual([command.id, gemini.id].toSorted());
    expect(command).toMatchObject({ state: 'merged', runtime: 'command', attempts: 1 });
    expect(gemini).toMatchObject({ state: 'merged', runtime: 'gemini', attempts: 1 });
  });

  test('[F16] the merged main is whole: a clean clone passes setup, tests and lint', async () => {
    const clone = path.join(desk.workspace.around, 'clone');
    await git(desk.workspace.around, 'clone', '-q', repository, clone);
    expect(await run(clone, 'npm', 'ci', '--offline', '--no-audit')).toMatchObject({ code: 0 });
    const tested = await run(clone, 'npm', 'test');
    expect(tested.output).toContain('adds up seconds');
    expect(tested.code).toBe(0);
    expect(await run(clone, 'npm', 'run', 'lint')).toMatchObject({ code: 0 });
    expect(await read(repository, 'label.js')).toContain('Night Office');
    expect(await git(repository, 'status', '--porcelain')).toBe('');
    expect(await git(repository, 'fsck', '--no-dangling')).toBe('');
  });

  test('[F2] each candidate was judged by a verifier that is not its executor', async () => {
    const runs = await desk.ask<Run[]>(['run', 'list']);
    for (const ticket of [command, gemini]) {
      const own = runs.filter((each) => each.ticket === ticket.id);
      expect(own.map((each) => each.role)).toEqual(['ticket-executor', 'verifier']);
      expect(own[0]?.id).not.toBe(own[1]?.id);
      const artifacts = ticket.artifacts.map((each) => each.name);
      expect(artifacts.toSorted()).toEqual(['gate-report', 'result', 'verdict']);
    }
  });

  test('[A14] the timeline tells of draft, approval, assignment, submission and merge, in this order', () => {
    const told = [
      'ticket.drafted',
      'ticket.approved',
      'attempt.started',
      'result.submitted',
      'ticket.submitted',
      'verdict.submitted',
      'gate.reported',
      'ticket.merged',
    ];
    for (const ticket of [command, gemini]) {
      const types = ticket.timeline.map((entry) => entry.type);
      expect(types.filter((type) => told.includes(type))).toEqual(told);
    }
  });

  test('[G6] search finds the page that cites the merged ticket', async () => {
    const hits = await desk.ask<SearchHit[]>(['wiki', 'search', 'durations', '--brand', 'label']);
    expect(hits.map((hit) => hit.brand)).toContain('label');
    const sources = hits.flatMap((hit) => hit.sources);
    expect(sources).toContainEqual(expect.objectContaining({ kind: 'ticket', ref: command.id }));
  });

  test('usage is recorded by run and adds up in the cost report', async () => {
    const runs = await desk.ask<Run[]>(['run', 'list']);
    const own = runs.find((each) => each.ticket === gemini.id && each.role === 'ticket-executor');
    expect(own?.tokens).toBeGreaterThan(1_000);
    const cost = await desk.ask<{ total: number; rows: { key: string }[] }>(['cost', '--by', 'model']);
    expect(cost.rows.map((row) => row.key)).toContain('gemini-2.5-flash');
    const spent = runs.reduce((sum, each) => sum + each.costUsd, 0);
    expect(cost.total).toBeCloseTo(spent, 6);
    expect(spent).toBeGreaterThan(0);
  });

  test('the key reaches the model and is nowhere else', async () => {
    expect(model.requests.map((request) => request.headers['x-goog-api-key'])).toContain(KEY);
    expect(model.requests.map((request) => request.prompt).join('')).not.toContain(KEY);
    const inside = await read(repository, 'environment.txt');
    expect(inside).toContain(`ATRIUM_TICKET=${gemini.id}`);
    expect(inside).not.toContain(KEY);
    for (const file of await filesBelow(desk.workspace.path))
      expect((await readFile(file)).includes(KEY), file).toBe(false);
  });

  test('[C13] nothing is left: no checkout, no home, no branch, no socket, and after the end no process', async () => {
    const sockets = await readFile(path.join(desk.workspace.path, '.atrium/sockets.path'), 'utf8');
    expect(await readdir(path.join(desk.workspace.path, 'checkouts/label'))).toEqual([]);
    expect(await readdir(path.join(desk.workspace.path, 'homes/label'))).toEqual([]);
    expect(await git(repository, 'for-each-ref', '--format=%(refname)')).toBe('refs/heads/main');
    expect(await readdir(sockets)).toEqual([]);
    await desk.stopCore();
    expect(existsSync(sockets)).toBe(false);
    const state = await readdir(path.join(desk.workspace.path, '.atrium'));
    expect(state).not.toContain('core.json');
    expect(state).not.toContain('core.sock');
    expect(await processesAt(desk.workspace.path)).toEqual([]);
    // The lock is free: the next command opens the workspace at once, and finds everything again.
    expect((await desk.show(gemini.id)).state).toBe('merged');
  });
});
