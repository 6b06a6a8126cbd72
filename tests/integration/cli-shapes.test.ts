import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { atrium } from '../support/doors.ts';
import { openDesk, SHELL_CHECKS } from '../support/desk.ts';
import type { Desk } from '../support/desk.ts';
import { makeShellRepository } from '../support/fixture-repository.ts';

/**
 * What scripts may rely on: the shapes of `--json`, written down here by hand and not taken from the program. Fields may be added,
 * none of these removed or renamed.
 */
const text = z.string();
const count = z.number().int().nonnegative();
const checks = z.object({ setup: text, test: text, lint: text, count: z.enum(['tap', 'junit', 'exit']) });
const failure = z.object({ error: z.object({ code: text.min(1), message: text.min(1), hint: text }) });
const initialised = z.object({
  workspace: text,
  brands: z.array(z.object({ id: text, name: text, sealed: z.boolean(), repositories: z.array(text) })),
});
const brand = z.object({
  id: text,
  name: text,
  sealed: z.boolean(),
  repositories: z.array(
    z.object({ path: text, branch: text, checks, baseline: z.enum(['green', 'red', 'none']), detail: text }),
  ),
});
const state = z.enum(['draft', 'ready', 'in_progress', 'verifying', 'merged', 'blocked']);
const ticket = z.object({
  id: text.regex(/^T-shop-\d+$/),
  brand: text,
  title: text,
  state,
  mode: z.enum(['direct', 'plan_first']),
  priority: z.number().int().min(1).max(5),
  hash: text.min(1),
  dependsOn: z.array(text),
  paths: z.array(text),
  acceptance: z.array(text),
  runtime: text,
  costCapUsd: z.number(),
  attempts: count,
  blockedReason: text.nullable(),
});
const detail = ticket.extend({
  description: text,
  why: text,
  plan: text.nullable(),
  timeline: z.array(z.object({ at: z.iso.datetime(), position: count, type: text, text })),
});
const started = (outcomes: [string, ...string[]]) =>
  z.object({
    run: text.min(1),
    phases: z
      .array(
        z.object({
          number: z.number().int().min(0).max(8),
          name: text,
          outcome: z.enum(outcomes),
          reason: text.min(1),
          ms: z.number().nonnegative(),
          runs: count,
        }),
      )
      .length(9),
    waiting: z.object({ questions: count, approvals: count }),
    merged: z.array(text),
    blocked: z.array(z.object({ id: text, reason: text })),
  });
const decision = z.object({
  decision: z.enum(['allow', 'deny', 'ask']),
  rule: text.min(1),
  reason: text.min(1),
  layer: text.min(1),
});
const grade = z.object({
  grade: text.min(1),
  passed: count,
  total: z.literal(19),
  checks: z
    .array(
      z.object({
        number: z.number().int(),
        title: text,
        ok: z.boolean(),
        detail: text,
        ms: z.number().nonnegative(),
      }),
    )
    .length(19),
});
const hit = z.object({
  page: text,
  title: text,
  brand: text,
  confidence: z.enum(['high', 'medium', 'low']),
  snippet: text,
  sources: z.array(z.object({ kind: text, ref: text })).min(1),
});
const run = z.object({
  id: text,
  brand: text,
  role: text,
  ticket: text.nullable(),
  runtime: text,
  state: text,
  startedAt: z.iso.datetime(),
  contextUsed: z.number().nullable(),
  tokens: count,
  costUsd: z.number(),
});
const cost = z.object({
  currency: z.literal('USD'),
  total: z.number(),
  rows: z.array(z.object({ key: text, inputTokens: count, outputTokens: count, costUsd: z.number() })),
});
const status = z.object({
  workspace: text,
  core: z.object({ pid: z.number().int().positive(), socket: text, url: text.optional() }).nullable(),
  brands: z.array(z.object({ id: text, state: z.enum(['open', 'closed']), error: text.optional() })),
  waiting: z.object({ questions: count, approvals: count }),
  running: count,
});
const served = z.object({ url: z.url(), socket: text, pid: z.number().int().positive() });

let desk: Desk;
let merged: string;
let draft: { id: string; hash: string };

/** The one JSON value of a command that holds. */
async function shape<S extends z.ZodType>(schema: S, args: string[], stdin?: string): Promise<z.output<S>> {
  const value: unknown = await desk.ask(args, stdin);
  const parsed = schema.safeParse(value);
  expect(parsed.error?.issues ?? []).toEqual([]);
  return parsed.data as z.output<S>;
}

beforeAll(async () => {
  desk = await openDesk({});
  const repository = await makeShellRepository(path.join(desk.workspace.around, 'shop'));
  await shape(brand, [
    'brand',
    'add',
    'shop',
    '--name',
    'Shop',
    '--repository',
    repository,
    ...SHELL_CHECKS,
    '--yes',
  ]);
  merged = (
    await desk.order('shop', {
      title: 'Sell records',
      description: 'The shop sells records by mail.',
      paths: ['records.txt'],
      acceptance: ['test -s records.txt'],
      command: 'echo records > records.txt',
    })
  ).id;
  await shape(started(['ran', 'skipped', 'waiting', 'failed']), ['start']);
  draft = await shape(
    detail,
    ['ticket', 'draft', '--brand', 'shop', '--file', '-'],
    'title: Only a title\ncommand: touch made\n',
  );
});
afterAll(() => desk.remove());

describe('[R10] what each command prints with --json', () => {
  test('init', async () => {
    const folder = path.join(desk.workspace.around, 'other');
    const { code, stdout } = await atrium(['init', folder, '--json']);
    expect(code).toBe(0);
    expect(initialised.parse(JSON.parse(stdout))).toEqual({ workspace: folder, brands: [] });
  });

  test('brand list and show', async () => {
    await shape(z.array(brand).length(1), ['brand', 'list']);
    await shape(brand, ['brand', 'show', 'shop']);
  });

  test('ticket draft with every field that a file may have', async () => {
    const whole = {
      title: 'All fields',
      description: 'text',
      paths: ['src/**'],
      acceptance: ['true'],
      runtime: 'command',
      command: 'touch made',
      mode: 'direct',
      priority: 1,
      dependsOn: [merged],
      costCapUsd: 0.5,
      network: ['example.org'],
      grants: [],
    };
    const drafted = await shape(
      detail,
      ['ticket', 'draft', '--brand', 'shop', '--file', '-'],
      JSON.stringify(whole),
    );
    const { network: _network, grants: _grants, command: _command, ...shown } = whole;
    expect(drafted).toMatchObject({ ...shown, state: 'draft', attempts: 0, blockedReason: null });
  });

  test('ticket list and show', async () => {
    const all = await shape(z.array(ticket), ['ticket', 'list']);
    expect(all.length).toBeGreaterThan(1);
    const some = await shape(z.array(ticket), ['ticket', 'list', '--state', 'merged', '--brand', 'shop']);
    expect(some.map((each) => each.id)).toEqual([merged]);
    const shown = await shape(detail, ['ticket', 'show', merged]);
    expect(shown.timeline.length).toBeGreaterThan(5);
    const positions = shown.timeline.map((entry) => entry.position);
    expect(positions).toEqual(positions.toSorted((a, b) => a - b));
  });

  test('ticket approve, and its refusals', async () => {
    const { code, stdout } = await desk.run(['ticket', 'approve', draft.id, '--hash', 'wrong', '--json']);
    expect(code).toBe(1);
    expect(failure.parse(JSON.parse(stdout)).error.code).toBe('hash-mismatch');
    const approved = await shape(z.object({ id: text, state }), [
      'ticket',
      'approve',
      draft.id,
      '--hash',
      draft.hash,
    ]);
    expect(approved).toEqual({ id: draft.id, state: 'ready' });
  });

  test('start --dry-run', async () => {
    await shape(started(['would-run', 'would-skip']), ['start', '--dry-run']);
  });

  test('guard check', async () => {
    const question = {
      brand: 'shop',
      role: 'ticket-executor',
      tool: 'Write',
      input: { file_path: '/etc/passwd' },
      cwd: '/',
    };
    expect((await shape(decision, ['guard', 'check'], JSON.stringify(question))).decision).toBe('deny');
    expect((await shape(decision, ['guard', 'check'], 'not json')).decision).toBe('deny');
  });

  test('doctor --grade: exit 1 below A', async () => {
    const { code, stdout } = await desk.run(['doctor', '--grade', '--json']);
    const report = grade.parse(JSON.parse(stdout));
    expect(report.checks.map((check) => check.number)).toEqual(
      Array.from({ length: 19 }, (_, index) => index + 1),
    );
    expect(report.passed).toBe(report.checks.filter((check) => check.ok).length);
    expect(code).toBe(report.grade === 'A' ? 0 : 1);
    expect(report.grade === 'A').toBe(report.passed === 19);
  });

  test('wiki search', async () => {
    await shape(z.array(hit).min(1), ['wiki', 'search', 'records']);
    await shape(z.array(hit), ['wiki', 'search', 'records', '--brand', 'shop']);
    expect(await shape(z.array(hit), ['wiki', 'search', 'nothingofthekind'])).toEqual([]);
  });

  test('run list', async () => {
    await shape(z.array(run).min(2), ['run', 'list']);
  });

  test.each(['day', 'model', 'brand'])('cost --by %s', async (by) => {
    await shape(cost, ['cost', '--by', by]);
  });
  test('cost', async () => {
    await shape(cost, ['cost']);
  });

  test('status starts nothing, with a core and without', async () => {
    await desk.ask(['ticket', 'list']);
    expect((await shape(status, ['status'])).brands).toEqual([{ id: 'shop', state: 'open' }]);
    await desk.stopCore();
    expect((await shape(status, ['status'])).core).toBeNull();
    expect((await shape(status, ['status'])).core).toBeNull();
  });

  test('serve prints one line', async () => {
    const door = await desk.workspace.serve();
    served.parse({ url: door.url, socket: door.socket, pid: door.pid });
    const { stdout } = await door.interrupt();
    expect(stdout.trim().split('\n')).toHaveLength(1);
  });

  test('a failure is the value, and stdout holds nothing else', async () => {
    for (const args of [
      ['ticket', 'show', 'T-shop-999'],
      ['nonsense'],
      ['start', '--phase', 'x'],
      ['brand', 'show', 'none'],
    ]) {
      const { code, stdout } = await desk.run([...args, '--json']);
      expect(code).toBeGreaterThan(0);
      expect(stdout.trim().split('\n')).toHaveLength(1);
      failure.parse(JSON.parse(stdout));
    }
  });
});
