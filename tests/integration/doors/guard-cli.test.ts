import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AskView, DecisionEntry } from '../../../src-main/contract/guard.ts';
import type { GuardProof } from '../../../src-main/contract/layers.ts';
import { openDesk, SHELL_CHECKS, type Desk } from '../../support/desk.ts';
import { makeShellRepository } from '../../support/fixture-repository.ts';

/** The guard's commands: shapes, exit codes, and one sentence for what cannot be read. */

let desk: Desk;
let ticket: string;
let ask: AskView;

beforeAll(async () => {
  const row = { name: 'ask-deploy', decision: 'ask', kinds: ['execute'], reason: 'it is yours to say' };
  desk = await openDesk({ config: { policy: [{ ...row, tools: [], commands: ['deploy*'] }] } });
  const repository = await makeShellRepository(path.join(desk.workspace.around, 'shop'));
  await desk.addBrand('shop', repository, ...SHELL_CHECKS);
  const call = (text: string) => ({ permission: { tool: 'Bash', kind: 'execute', text, then: [] } });
  const ordered = await desk.order('shop', {
    ...{ title: 'Deploy', runtime: 'scripted', paths: ['a/**'] },
    command: JSON.stringify([call('ls'), call('git push'), call('deploy now'), { hang: true }]),
  });
  ticket = ordered.id;
  await desk.until((item) => item.kind === 'waiting' && item.items.some(({ kind }) => kind === 'ask'));
  [ask] = (await desk.ask<AskView[]>(['guard', 'asks', '--brand', 'shop'])) as [AskView];
}, 120_000);
afterAll(() => desk.remove());

const sentence = /^[^\n]{10,300}$/;
/** A usage error, or an id that there is not: one sentence, and which exit code. */
const refusal = async (args: string[]) => {
  const { code, error } = await desk.refused(['guard', ...args]);
  expect([args, error.message]).toEqual([args, expect.stringMatching(sentence)]);
  return [code, error.code];
};

test('a question is shown, answered once, and its answer is not changed', async () => {
  expect(ask).toMatchObject({
    ...{ brand: 'shop', ticket, tool: 'Bash', text: 'deploy now', rule: 'ask-deploy', level: 'workspace' },
    ...{ reason: 'it is yours to say', state: 'open', note: '', role: 'ticket-executor' },
  });
  expect(Date.parse(ask.expiresAt)).toBeGreaterThan(Date.parse(ask.askedAt));
  expect(await refusal(['answer', ask.id, 'maybe'])).toEqual([2, 'usage']);
  expect(await refusal(['answer', 'A-shop-0000000000', 'allow'])).toEqual([1, 'not-found']);
  expect(await refusal(['answer', '../etc', 'allow'])).toEqual([1, 'invalid-input']);
  expect(await desk.ask(['guard', 'answer', ask.id, 'deny', '--note', 'not today'])).toMatchObject({
    ...{ id: ask.id, state: 'denied', note: 'not today' },
  });
  expect(await refusal(['answer', ask.id, 'allow'])).toEqual([1, 'refused-transition']);
  expect(await desk.ask(['guard', 'asks'])).toEqual([]);
  expect(await desk.ask(['guard', 'asks', '--all'])).toMatchObject([{ id: ask.id, state: 'denied' }]);
});

test('the log holds each decision, newest first, and is asked for by brand, run and decision', async () => {
  const log = await desk.ask<DecisionEntry[]>(['guard', 'log', '--run', ask.run]);
  expect(log.map(({ decision, rule, text }) => [decision, rule, text])).toEqual([
    ['deny', 'ask-deploy', 'deploy now'],
    ['ask', 'ask-deploy', 'deploy now'],
    ['deny', 'pre-merge-gate', 'git push'],
    ['allow', 'ticket-executor.execute', 'ls'],
  ]);
  for (const entry of log)
    expect(entry).toMatchObject({ brand: 'shop', ticket, layer: 'call', ms: expect.any(Number) as number });
  const denied = await desk.ask<DecisionEntry[]>(['guard', 'log', '--decision', 'deny', '--limit', '1']);
  expect(denied).toEqual(log.slice(0, 1));
  expect(await refusal(['log', '--decision', 'maybe'])).toEqual([2, 'usage']);
  expect(await refusal(['log', '--brand', 'nobody'])).toEqual([1, 'not-found']);
  expect(await refusal(['log', '--brand', 'No Brand'])).toEqual([1, 'invalid-input']);
});

test('a proof names every layer of every brand, and what it fired', async () => {
  const proof = await desk.ask<GuardProof>(['guard', 'prove', '--brand', 'shop']);
  expect(proof).toMatchObject({ breaches: 0, brands: [{ id: 'shop', sealed: false }] });
  const [shop] = proof.brands;
  expect(shop?.layers.map(({ layer }) => layer)).toEqual(['call', 'room', 'kernel', 'exit']);
  for (const { layer, canaries } of shop?.layers ?? [])
    expect([layer, canaries.length > 0, canaries.every(({ denied }) => denied)]).toEqual([layer, true, true]);
  expect(await refusal(['prove', '--brand', 'nobody'])).toEqual([1, 'not-found']);
});

test('a hook denies by exit code 2 and says why on stderr; what cannot be read or decided is a denial', async () => {
  const use = (command: string) => ({ tool_name: 'Bash', tool_input: { command }, cwd: '/work' });
  const hook = (stdin: string, ...args: string[]) =>
    desk.workspace.run(['hook', ...args, '--brand', 'shop', '--json'], { stdin });
  const cases: [string, string[], number, string][] = [
    [JSON.stringify(use('ls')), ['PreToolUse'], 0, 'allow'],
    [JSON.stringify(use('git push')), ['PreToolUse'], 2, 'deny'],
    [JSON.stringify(use('deploy')), ['PreToolUse'], 2, 'ask'],
    ['{nope', ['PreToolUse'], 2, 'deny'],
    ['', ['PreToolUse'], 2, 'deny'],
    [JSON.stringify(use('ls')), ['BeforeNothing'], 2, 'deny'],
    [JSON.stringify(use('ls')), ['PreToolUse', '--role', 'nobody'], 2, 'deny'],
  ];
  for (const [stdin, args, code, decision] of cases) {
    const ended = await hook(stdin, ...args);
    expect([stdin, args, ended.code, JSON.parse(ended.stdout)]).toEqual([
      ...[stdin, args, code],
      expect.objectContaining({ decision, reason: expect.stringMatching(sentence) as string }),
    ]);
    if (code !== 0) expect(ended.stderr.trim()).toMatch(sentence);
  }
});
