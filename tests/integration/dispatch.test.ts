import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TicketSummary } from '../../src-main/contract/tickets.ts';
import { openDesk, SHELL_CHECKS } from '../support/desk.ts';
import type { Desk, Started } from '../support/desk.ts';
import { git, makeShellRepository, read } from '../support/fixture-repository.ts';

/** Positions at which something was told of a ticket. */
async function positions(desk: Desk, id: string, type: string): Promise<number[]> {
  const { timeline } = await desk.show(id);
  return timeline.filter((entry) => entry.type === type).map((entry) => entry.position);
}

describe('approved tickets are dispatched by their approval', () => {
  let desk: Desk;
  let repository: string;

  beforeAll(async () => {
    desk = await openDesk({});
    repository = await makeShellRepository(path.join(desk.workspace.around, 'shop'));
    await desk.addBrand('shop', repository, ...SHELL_CHECKS);
  });
  afterAll(() => desk.remove());

  test('[H8] a ticket waits for what it depends on, and starts on its merge', async () => {
    const first = await desk.draft('shop', {
      title: 'First',
      paths: ['first.txt'],
      acceptance: ['test -e first.txt'],
      command: 'echo first > first.txt',
    });
    const second = await desk.order('shop', {
      title: 'Second',
      paths: ['second.txt'],
      acceptance: ['test -e first.txt -a -e second.txt'],
      command: 'cat first.txt > second.txt',
      dependsOn: [first.id],
    });
    const started = await desk.dispatch();
    expect(started.phases[0]).toMatchObject({
      outcome: 'waiting',
      reason: expect.stringContaining(`${second.id}: waits for ${first.id}`) as string,
    });
    await desk.approve(first);
    expect((await desk.untilState(second.id, 'merged')).state).toBe('merged');
    const [merged] = await positions(desk, first.id, 'ticket.merged');
    const [begun] = await positions(desk, second.id, 'attempt.started');
    expect(merged).toBeLessThan(begun ?? 0);
    expect(await read(repository, 'second.txt')).toBe('first\n');
  });

  test('[F3] a ticket whose dependency is blocked becomes blocked unaided; the others merge', async () => {
    const blocked = await desk.draft('shop', { title: 'Never', command: 'true', acceptance: ['true'] });
    const after = await desk.order('shop', {
      title: 'After never',
      paths: ['after.txt'],
      command: 'touch after.txt',
      dependsOn: [blocked.id],
    });
    const other = await desk.order('shop', {
      title: 'Other',
      paths: ['other.txt'],
      command: 'echo other > other.txt',
    });
    await desk.ask(['ticket', 'block', blocked.id, '--reason', 'not wanted']);
    const started = await desk.dispatch();
    expect(await desk.show(after.id)).toMatchObject({
      state: 'blocked',
      attempts: 0,
      blockedReason: `dependency: it depends on ${blocked.id}, which is blocked`,
    });
    expect((await desk.show(other.id)).state).toBe('merged');
    expect(started.blocked.map((each) => each.id)).toContain(after.id);
  });

  test('[F1] tickets on the same files run one after another, others at the same time', async () => {
    const order = (title: string, paths: string[], command: string) =>
      desk.draft('shop', { title, paths, command });
    const one = await order('One', ['lib/**'], 'mkdir -p lib && sleep 2 && echo one >> lib/list.txt');
    const two = await order('Two', ['lib/list.txt'], 'mkdir -p lib && echo two >> lib/list.txt');
    const elsewhere = await order('Elsewhere', ['docs/**'], 'mkdir docs && echo docs > docs/read.txt');
    for (const ticket of [one, two, elsewhere]) await desk.approve(ticket);
    await desk.untilState(elsewhere.id, 'merged');
    await desk.dispatch();
    const [oneMerged] = await positions(desk, one.id, 'ticket.merged');
    const [twoBegun] = await positions(desk, two.id, 'attempt.started');
    const [elsewhereBegun] = await positions(desk, elsewhere.id, 'attempt.started');
    expect(oneMerged).toBeLessThan(twoBegun ?? 0);
    expect(elsewhereBegun).toBeLessThan(oneMerged ?? 0);
    expect(await read(repository, 'lib/list.txt')).toBe('one\ntwo\n');
    expect(await desk.show(two.id)).toMatchObject({ state: 'merged', attempts: 1 });
  });

  test('a run that is stopped blocks its ticket, and nothing of it goes on', async () => {
    const ticket = await desk.order('shop', {
      title: 'For ever',
      paths: ['ever.txt'],
      command: 'while :; do sleep 60; done',
    });
    let run = '';
    await desk.until((item) => {
      if (item.kind !== 'run' || item.run.ticket !== ticket.id || item.run.canaries === null) return false;
      run = item.run.id;
      return true;
    });
    expect(await desk.ask(['run', 'stop', run])).toMatchObject({ id: run, state: 'stopped' });
    const blocked = await desk.untilState(ticket.id, 'blocked');
    expect(blocked).toMatchObject({ state: 'blocked', attempts: 1 });
    expect(blocked.blockedReason).toMatch(/^operator: stopped by the operator \(cli\)$/);
    expect(await desk.refused(['run', 'stop', run])).toMatchObject({ error: { code: 'refused-transition' } });
    expect(
      (await desk.refused(['ticket', 'approve', ticket.id, '--hash', ticket.hash])).error.message,
    ).toMatch(/blocked/);
  });

  test('[A1] an edit of a ready ticket withdraws it and drafts its successor, which needs an approval of its own', async () => {
    const gate = await desk.draft('shop', { title: 'Gate', command: 'true', acceptance: ['true'] });
    const ready = await desk.order('shop', { title: 'Old', command: 'touch old', dependsOn: [gate.id] });
    const successor = await desk.ask<{ id: string; hash: string; state: string; predecessor: string }>(
      ['ticket', 'edit', ready.id, '--file', '-'],
      JSON.stringify({ title: 'New', paths: ['new.txt'], command: 'echo new > new.txt' }),
    );
    expect(successor).toMatchObject({ state: 'draft', predecessor: ready.id });
    expect(await desk.show(ready.id)).toMatchObject({
      state: 'blocked',
      successor: successor.id,
      blockedReason: `withdrawn: withdrawn by an edit; goes on as ${successor.id}`,
    });
    expect(await desk.refused(['ticket', 'approve', successor.id, '--hash', ready.hash])).toMatchObject({
      code: 1,
      error: { code: 'hash-mismatch' },
    });
    await desk.approve(successor);
    expect(await desk.untilState(successor.id, 'merged')).toMatchObject({ state: 'merged', title: 'New' });
    expect((await desk.show(ready.id)).attempts).toBe(0);
    expect((await git(repository, 'ls-files')).split('\n')).not.toContain('old');
  });

  test('an edit of a draft changes its hash, and the old hash approves nothing', async () => {
    const before = await desk.draft('shop', { title: 'Before', command: 'touch before' });
    const after = await desk.ask<{ id: string; hash: string }>(
      ['ticket', 'edit', before.id, '--file', '-'],
      'title: After\ncommand: touch before\n',
    );
    expect(after.id).toBe(before.id);
    expect(after.hash).not.toBe(before.hash);
    const refused = await desk.refused(['ticket', 'approve', before.id, '--hash', before.hash]);
    expect(refused).toMatchObject({ code: 1, error: { code: 'hash-mismatch' } });
    expect((await desk.show(before.id)).state).toBe('draft');
  });
});

describe('start', () => {
  let desk: Desk;
  let tickets: TicketSummary[];

  beforeAll(async () => {
    desk = await openDesk({ config: { dispatch: 'on-start' } });
    const repository = await makeShellRepository(path.join(desk.workspace.around, 'shop'));
    await desk.addBrand('shop', repository, ...SHELL_CHECKS);
    tickets = [];
    for (const name of ['a', 'b', 'c']) {
      const draft = { title: `Make ${name}`, paths: [`${name}.txt`], command: `echo ${name} > ${name}.txt` };
      tickets.push(name === 'c' ? await desk.draft('shop', draft) : await desk.order('shop', draft));
    }
  });
  afterAll(() => desk.remove());

  test('with dispatch on-start an approved ticket waits for it; --dry-run tells what would run and changes nothing', async () => {
    expect(
      (await desk.ask<TicketSummary[]>(['ticket', 'list', '--state', 'ready'])).map((each) => each.id),
    ).toEqual(tickets.slice(0, 2).map((each) => each.id));
    const exported = (): Promise<string> =>
      readFile(path.join(desk.workspace.path, 'brands/shop/tickets.jsonl'), 'utf8');
    await desk.ask(['export']);
    const before = await exported();
    const heads = await desk.ask(['export']);
    const report = await desk.start('--dry-run');
    expect(new Set(report.phases.map((phase) => phase.outcome))).toEqual(
      new Set(['would-run', 'would-skip']),
    );
    expect(report.phases.map((phase) => phase.number)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(report.phases[7]).toMatchObject({ outcome: 'would-run', runs: 0 });
    expect(await desk.ask(['export'])).toEqual(heads);
    expect(await exported()).toBe(before);
    expect(await desk.ask(['run', 'list'])).toEqual([]);
  });

  test('--detach returns after dispatch, and the work goes on to its end', async () => {
    const report = await desk.start('--detach');
    expect(report.phases[7]).toMatchObject({ name: 'dispatch', outcome: 'ran' });
    for (const { id } of tickets.slice(0, 2))
      expect((await desk.untilState(id, 'merged')).state).toBe('merged');
  });

  test('a second start skips with a reason what is not stale, and starts no run', async () => {
    await desk.start();
    const again: Started = await desk.start();
    expect(again.merged).toEqual([]);
    for (const phase of again.phases) {
      expect(phase.runs).toBe(0);
      if (phase.outcome === 'skipped') expect(phase.reason).toMatch(/\S+ \S+/);
    }
    expect(again.phases[7]).toMatchObject({ outcome: 'skipped', reason: 'no approved ticket waits' });
    expect(again.phases[8]).toMatchObject({ outcome: 'skipped' });
    expect(again.phases[6]).toMatchObject({ outcome: 'waiting', reason: '1 draft waits for approval' });
    expect(again.waiting).toMatchObject({ questions: 0, approvals: 1 });
  });

  test('two starts at once are one: both tell of the same run', async () => {
    const [last] = tickets.slice(2);
    await desk.approve(last as TicketSummary);
    const [one, two] = await Promise.all([desk.start(), desk.start()]);
    expect(one.run).toBe(two.run);
    expect(one.merged).toEqual([last?.id]);
    expect(two).toEqual(one);
    expect(await desk.show(last?.id ?? '')).toMatchObject({ state: 'merged', attempts: 1 });
  });
});
