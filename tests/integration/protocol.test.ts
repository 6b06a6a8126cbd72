import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HandoffStatus, type HandoffView } from '../../src-main/contract/handoff.ts';
import type { RunView } from '../../src-main/contract/runs.ts';
import type { StatusView } from '../../src-main/contract/feed.ts';
import type { SearchHit } from '../../src-main/contract/wiki.ts';
import type { WaitingItem } from '../../src-main/contract/waiting.ts';
import type { PlanVersion, TicketDetail } from '../../src-main/contract/tickets.ts';
import { openDesk, SHELL_CHECKS, type Desk } from '../support/desk.ts';
import { git, makeShellRepository } from '../support/fixture-repository.ts';

/** A scripted agent that does different things in each stage. */
const staged = (stages: Record<string, unknown[]>) => JSON.stringify([{ stage: stages }]);
const done = (name: string) => [
  { write: { path: name, content: `${name}\n` } },
  { commit: name },
  { submit: 'honest' },
];

/** A client of `atrium mcp` that needs no package: it lists the tools and calls some of them, one after another. */
const MCP_CLIENT = `
const { spawn, execFileSync } = require('node:child_process');
const { createInterface } = require('node:readline');
const server = spawn('atrium', ['mcp'], { stdio: ['pipe', 'pipe', 'inherit'] });
const waiting = new Map();
let last = 0;
createInterface({ input: server.stdout }).on('line', (line) => {
  const said = JSON.parse(line);
  waiting.get(said.id)?.(said.result ?? said.error);
});
const ask = (method, params) => new Promise((done) => {
  last += 1;
  waiting.set(last, done);
  server.stdin.write(JSON.stringify({ jsonrpc: '2.0', id: last, method, params }) + '\\n');
});
const call = (name, input) => ask('tools/call', { name, arguments: input });
(async () => {
  const client = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 't', version: '1' } };
  await ask('initialize', client);
  server.stdin.write(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' }) + '\\n');
  const { tools } = await ask('tools/list', {});
  const said = { tools: tools.map((tool) => tool.name).sort() };
  said.verdict = await call('submit_verdict', { commit: 'a'.repeat(40), verdict: 'pass', reasons: [] });
  said.wrong = await call('submit_result', { commit: 'short', summary: 'x', commands: [], files: [] });
  said.handoff = await call('checkpoint', { completed: ['a file'], next_steps: ['more'], blockers: [], notes: '' });
  said.wiki = await call('request_wiki_write', { text: 'Tools speak over a socket.' });
  const fs = require('node:fs');
  fs.writeFileSync('tools.json', JSON.stringify(said));
  execFileSync('git', ['add', '-A']);
  execFileSync('git', ['commit', '-qm', 'tools']);
  const commit = execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8' }).trim();
  const taken = await call('submit_result', { commit, summary: 'By tools', commands: [], files: ['tools.json'] });
  process.stdout.write(JSON.stringify(taken) + '\\n');
  server.kill();
})();
`;

describe('what a run may say, and what waits for the operator, through the CLI', () => {
  let desk: Desk;
  let repository: string;

  const untilWaiting = async (kind: WaitingItem['kind'], ticket: string, part = ''): Promise<WaitingItem> => {
    const find = (items: readonly WaitingItem[]) =>
      items.find((item) => item.kind === kind && item.ticket === ticket && item.key.includes(part));
    const before = find((await desk.ask<StatusView>(['status'])).waits);
    if (before) return before;
    let found: WaitingItem | undefined;
    await desk.until((item) => {
      if (item.kind === 'waiting') found = find(item.items);
      return found !== undefined;
    });
    return found as unknown as WaitingItem;
  };
  const plans = (id: string) => desk.ask<{ state: string; plans: PlanVersion[] }>(['plan', 'show', id]);
  const runsOf = async (id: string) =>
    (await desk.ask<RunView[]>(['run', 'list'])).filter((run) => run.ticket === id);
  const onMain = (file: string) => git(repository, 'show', `main:${file}`);

  beforeAll(async () => {
    desk = await openDesk({ config: { maxRuns: 2 } });
    repository = await makeShellRepository(path.join(desk.workspace.around, 'shop'));
    await desk.addBrand('shop', repository, ...SHELL_CHECKS);
  });
  afterAll(() => desk.remove());

  test('[A5] [A6] [A7] [A9] [A4] a plan is submitted and waits; nothing runs or is carried out before it is approved', async () => {
    const plan = [
      { say: 'The plan is approved. I approve it myself.' },
      { submit: 'honest' },
      { run: 'atrium submit review --version 1 --decision approve' },
      { run: 'echo no > early.txt' },
      { run: 'echo "Plan $(atrium brief | grep -c \'sent back\')" | atrium submit plan --file -' },
      { run: 'atrium submit review --version 1 --decision approve; atrium plan approve' },
    ];
    const work = [
      { run: 'atrium brief | grep -qx "Plan 1" && echo planned > planned.txt' },
      ...done('after.txt'),
    ];
    const ticket = await desk.order('shop', {
      title: 'Plan it',
      mode: 'plan_first',
      runtime: 'scripted',
      command: staged({ plan, work }),
    });
    expect(ticket.modeDecision).toMatchObject({ mode: 'plan_first', rule: 'draft' });
    await untilWaiting('plan', ticket.id, '/1');
    await desk.until(
      (item) => item.kind === 'run' && item.run.ticket === ticket.id && item.run.state !== 'running',
    );
    const waiting = await desk.show(ticket.id);
    expect(waiting).toMatchObject({ state: 'in_progress', attempts: 0, planState: 'waiting' });
    expect(waiting.artifacts.map((one) => one.name)).toEqual(['plan']);
    expect((await runsOf(ticket.id)).map((run) => run.state)).toEqual(['done']);
    expect((await desk.ask<StatusView>(['status'])).running).toBe(0);

    const wrong = await desk.refused(['plan', 'approve', ticket.id, '--revision', '2']);
    expect(wrong.error.code).toBe('version-conflict');
    await desk.ask(['plan', 'revise', ticket.id, '--revision', '1', '--note', 'say more']);
    await untilWaiting('plan', ticket.id, '/2');
    await desk.ask(['plan', 'approve', ticket.id, '--revision', '2']);
    const merged = await desk.untilState(ticket.id, 'merged');
    expect(merged).toMatchObject({ state: 'merged', attempts: 1, plan: 'Plan 1' });
    expect(
      (await plans(ticket.id)).plans.map((one) => [one.text, one.review?.decision, one.review?.by]),
    ).toEqual([
      ['Plan 0', 'revision', 'operator'],
      ['Plan 1', 'approved', 'operator'],
    ]);
    expect(await onMain('planned.txt')).toBe('planned');
    await expect(onMain('early.txt')).rejects.toThrow();
  }, 120_000);

  test('a question reaches the operator, survives a restart, and its answer the next brief', async () => {
    const asking =
      'atrium brief | grep -qx "  blue" && echo blue > colour.txt || atrium ask "Which colour?" --choice red > colour.txt';
    const ticket = await desk.order('shop', {
      title: 'Ask',
      runtime: 'scripted',
      command: JSON.stringify([{ run: asking }, { commit: 'colour' }, { submit: 'honest' }]),
    });
    const asked = await untilWaiting('question', ticket.id);
    expect(asked.detail).toBe('Which colour?');
    await desk.stopCore();
    expect((await desk.ask<StatusView>(['status'])).waiting).toMatchObject({ questions: 1 });
    await desk.ask(['ticket', 'answer', ticket.id, '--text', 'blue']);
    const merged = await desk.untilState(ticket.id, 'merged');
    expect(merged.questions).toMatchObject([{ text: 'Which colour?', choices: ['red'], answer: 'blue' }]);
    expect(await onMain('colour.txt')).toBe('blue');

    const direct = await desk.order('shop', {
      title: 'Ask and wait',
      runtime: 'scripted',
      command: JSON.stringify([
        { run: 'atrium ask "Which size?" > size.txt' },
        { commit: 'size' },
        { submit: 'honest' },
      ]),
    });
    await untilWaiting('question', direct.id);
    await desk.ask(['ticket', 'answer', direct.id, '--text', 'large']);
    expect(await desk.untilState(direct.id, 'merged')).toMatchObject({ attempts: 1 });
    expect(await onMain('size.txt')).toBe('large');
  }, 120_000);

  test('[A11] a difference that a person decides about halts at the gate for exactly its commit', async () => {
    const ticket = await desk.order('shop', {
      title: 'Migrate',
      command:
        'mkdir -p migrations && echo "create table a;" > migrations/1.sql && echo "* -diff" > .gitattributes',
    });
    const refused = await desk.order('shop', { title: 'Lock', command: 'echo {} > package-lock.json' });
    const waiting = await untilWaiting('checkpoint', ticket.id);
    expect(waiting.detail).toContain('migrations/1.sql: it changes a database');
    const held = await desk.show(ticket.id);
    const commit = held.checkpoint?.commit ?? '';
    expect(held.state).toBe('verifying');
    expect(held.checkpoint?.hits.map((hit) => hit.rule)).toEqual(['migration', 'gitattributes']);
    await expect(onMain('migrations/1.sql')).rejects.toThrow();
    const other = await desk.refused(['checkpoint', 'approve', ticket.id, '--commit', 'a'.repeat(40)]);
    expect(other.error.code).toBe('hash-mismatch');
    await desk.ask(['checkpoint', 'approve', ticket.id, '--commit', commit]);
    const merged = await desk.untilState(ticket.id, 'merged');
    expect(merged).toMatchObject({ state: 'merged', attempts: 1 });
    expect(await onMain('migrations/1.sql')).toBe('create table a;');

    await untilWaiting('checkpoint', refused.id);
    const locked = (await desk.show(refused.id)).checkpoint?.commit ?? '';
    await desk.ask(['checkpoint', 'refuse', refused.id, '--commit', locked, '--note', 'no new packages']);
    expect(await desk.show(refused.id)).toMatchObject({
      state: 'blocked',
      blockedReason: expect.stringContaining('no new packages') as string,
    });
    await expect(onMain('package-lock.json')).rejects.toThrow();
  }, 120_000);

  test('[A12] [C3] [J2] the tools of a run are those of its contract, its wish for a page reaches the librarian, and a handoff the next attempt', async () => {
    const ticket = await desk.order('shop', {
      title: 'By tools',
      runtime: 'scripted',
      command: JSON.stringify([
        { write: { path: '/tmp/client.cjs', content: MCP_CLIENT } },
        { run: 'node /tmp/client.cjs' },
      ]),
    });
    const merged = await desk.untilState(ticket.id, 'merged');
    expect(merged.state, merged.reason).toBe('merged');
    const said = JSON.parse(await onMain('tools.json')) as Record<
      string,
      { content: { text: string }[]; isError: boolean }
    >;
    expect(said['tools']).toEqual([
      'ask',
      'checkpoint',
      'report_progress',
      'request_wiki_write',
      'submit_plan',
      'submit_result',
      'wiki_search',
    ]);
    expect(said['verdict']?.isError).toBe(true);
    expect(said['wrong']?.isError).toBe(true);
    expect(said['handoff']?.isError).toBe(false);
    expect(merged.timeline.some((entry) => entry.type === 'wiki.write-requested')).toBe(true);
    await desk.dispatch();
    const [page] = await desk.ask<SearchHit[]>(['wiki', 'search', 'Tools speak over a socket']);
    expect(page).toMatchObject({ brand: 'shop', confidence: 'high' });
    expect(page?.sources).toContainEqual({ kind: 'ticket', ref: ticket.id });
    const handoffs = await desk.ask<HandoffView[]>(['handoff', 'read', '--brand', 'shop']);
    expect(handoffs).toMatchObject([
      { to: 'ticket-executor', ticket: ticket.id, read: false, context: { next_steps: ['more'] } },
    ]);
    expect(handoffs[0]?.unreadMs).toBeGreaterThanOrEqual(0);
    await desk.ask(['handoff', 'read', handoffs[0]?.id ?? '', '--brand', 'shop']);
    const [read] = await desk.ask<HandoffView[]>(['handoff', 'read', '--brand', 'shop']);
    expect(read).toMatchObject({ read: true, unreadMs: 0 });
    const status = path.join(desk.workspace.path, 'brands/shop/handoffs/status.json');
    expect(HandoffStatus.parse(JSON.parse(await readFile(status, 'utf8')))).toMatchObject([
      { ticket: ticket.id, to: 'ticket-executor', unreadSince: null },
    ]);
    const broken = await desk.refused(
      ['handoff', 'write', '--brand', 'shop', '--file', '-'],
      JSON.stringify({ from: 'operator', to: 'x', context: { complete: [] } }),
    );
    expect(broken.error.message).toMatch(/stdin, line 1: read context\.complete/);
  }, 120_000);

  test('[A6] [A7] [C6] a reviewer’s run decides about a plan, and a verifier’s about the candidate, where policy says so', async () => {
    await desk.stopCore();
    await desk.configure('brands/shop/brand.yaml', (value) => {
      value['roles'] = { planReviewer: 'scripted', verifier: 'scripted' };
    });
    const verdict = (word: string) =>
      `atrium submit verdict --verdict ${word} --reason looked --commit $(atrium brief | grep -o "about [0-9a-f]\\{40\\}" | cut -c7-)`;
    const stages = (judged: string) => ({
      plan: [{ run: 'echo "Do it" | atrium submit plan --file -' }],
      review: [
        { run: 'echo no > mine.txt; atrium submit plan --file /etc/hostname' },
        { run: 'atrium submit review --version 1 --decision approve --note fine' },
      ],
      work: done('judged.txt'),
      verify: [{ submit: 'honest' }, { run: judged }],
    });
    const passing = await desk.order('shop', {
      title: 'Judged',
      mode: 'plan_first',
      runtime: 'scripted',
      command: staged(stages(verdict('pass'))),
    });
    const merged = await desk.untilState(passing.id, 'merged');
    expect(merged.state, merged.reason).toBe('merged');
    const [plan] = merged.plans;
    expect(plan?.review).toMatchObject({ decision: 'approved', note: 'fine' });
    expect(plan?.review?.by).toMatch(/^verifier R-/);
    const runs = await runsOf(passing.id);
    expect(runs.map((run) => `${run.role} ${run.runtime}`)).toEqual([
      'ticket-executor scripted',
      'verifier scripted',
      'ticket-executor scripted',
      'verifier command',
      'verifier scripted',
    ]);
    expect(new Set(runs.map((run) => run.id)).size).toBe(5);

    const silent = await desk.order('shop', {
      title: 'Not judged',
      runtime: 'scripted',
      command: staged({ work: done('silent.txt'), verify: [{ say: 'I approve, it passes.' }] }),
    });
    await desk.until(
      (item) => item.kind === 'activity' && item.ticket === silent.id && item.entry.type === 'attempt.ended',
    );
    await desk.ask(['ticket', 'block', silent.id, '--reason', 'seen']);
    const blocked: TicketDetail = await desk.show(silent.id);
    expect(blocked.attemptList[0]?.state).toBe('unverified');
    expect(blocked.attemptList[0]?.reason).toContain('gave no verdict');
    await expect(onMain('silent.txt')).rejects.toThrow();
  }, 180_000);
});
