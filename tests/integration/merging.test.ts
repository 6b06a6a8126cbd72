import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HandoffView } from '../../src-main/contract/handoff.ts';
import type { TicketDetail } from '../../src-main/contract/tickets.ts';
import { openDesk, SHELL_CHECKS } from '../support/desk.ts';
import type { Desk } from '../support/desk.ts';
import { commit, git, makeShellRepository, read, write } from '../support/fixture-repository.ts';

/** The gate's reports of a ticket, oldest first. */
function gates(ticket: TicketDetail): { onto: string; candidate: string; outcome: string }[] {
  return ticket.artifacts
    .filter((each) => each.name === 'gate-report')
    .map((each) => each.content as { onto: string; candidate: string; outcome: string });
}

let desk: Desk;
beforeAll(async () => {
  desk = await openDesk({});
});
afterAll(() => desk.remove());

describe('a repository that the operator works in', () => {
  let repository: string;

  beforeAll(async () => {
    repository = await makeShellRepository(path.join(desk.workspace.around, 'desk'));
    await desk.addBrand('desk', repository, ...SHELL_CHECKS);
  });

  test('[F5] a dirty working tree makes the merge wait, names its folder, and loses nothing; clean, it goes on by itself', async () => {
    await write(repository, { 'notes.txt': 'one\nnot saved yet\n' });
    const ticket = await desk.order('desk', {
      title: 'Notes',
      paths: ['notes.txt'],
      command: 'echo two >> notes.txt',
    });
    const started = await desk.dispatch();
    const waiting = await desk.show(ticket.id);
    expect(waiting.state).toBe('verifying');
    expect(waiting.reason).toContain(repository);
    expect(started.phases[0]).toMatchObject({
      outcome: 'waiting',
      reason: expect.stringContaining(repository) as string,
    });
    expect(started.merged).toEqual([]);
    expect(await read(repository, 'notes.txt')).toBe('one\nnot saved yet\n');

    await git(repository, 'checkout', '-q', '--', 'notes.txt');
    const merged = await desk.untilState(ticket.id, 'merged');
    expect(merged).toMatchObject({ state: 'merged', attempts: 1 });
    const begun = merged.timeline.filter(({ type }) => type === 'merge.began');
    expect(begun, 'it is tried once, and again when nothing is in the way').toHaveLength(2);
    expect(await read(repository, 'notes.txt')).toBe('one\ntwo\n');
    expect(await git(repository, 'status', '--porcelain')).toBe('');
  });

  test('a start right after the folder was cleaned merges, without waiting to be told', async () => {
    await write(repository, { 'notes.txt': 'scribble\n' });
    const ticket = await desk.order('desk', {
      title: 'More notes',
      paths: ['notes.txt'],
      command: 'echo three >> notes.txt',
    });
    await desk.dispatch();
    expect((await desk.show(ticket.id)).state).toBe('verifying');
    await git(repository, 'checkout', '-q', '--', 'notes.txt');
    expect((await desk.dispatch()).merged).toEqual([ticket.id]);
  });

  test('another git command that holds the index makes the merge wait; when its lock is gone, it goes on by itself', async () => {
    const lock = path.join(repository, '.git/index.lock');
    await write(repository, { '.git/index.lock': '' });
    const ticket = await desk.order('desk', {
      title: 'Locked',
      paths: ['locked.txt'],
      command: 'echo locked > locked.txt',
    });
    await desk.dispatch();
    expect(await desk.show(ticket.id)).toMatchObject({
      state: 'verifying',
      reason: `waits for ${repository}: another git command holds its index`,
    });
    await rm(lock);
    expect(await desk.untilState(ticket.id, 'merged')).toMatchObject({ state: 'merged', attempts: 1 });
  });

  test('[F5] main may move while the gate is at work: it judges again on the new main and makes a merge commit', async () => {
    await commit(repository, 'A slow check', { 'check.sh': 'sleep 2; test ! -e broken\n' });
    const ticket = await desk.order('desk', {
      title: 'Slow',
      paths: ['slow.txt'],
      command: 'echo slow > slow.txt',
    });
    await desk.untilState(ticket.id, 'verifying');
    const moved = await commit(repository, 'By hand, meanwhile', { 'hand.txt': 'hand\n' });
    const merged = await desk.untilState(ticket.id, 'merged');
    expect(merged).toMatchObject({ state: 'merged', attempts: 1 });
    expect(gates(merged).at(-1)).toMatchObject({ onto: moved, outcome: 'pass' });
    const parents = await git(repository, 'rev-list', '--parents', '-n', '1', 'main');
    expect(parents.split(' ')).toEqual([merged.mergedCommit, moved, gates(merged).at(-1)?.candidate]);
    expect(await git(repository, 'status', '--porcelain')).toBe('');
    await commit(repository, 'A quick check again', {
      'check.sh': 'test ! -e broken || { echo "broken is there" >&2; exit 1; }\n',
    });
  });

  test('where the base is still main, history stays a line', async () => {
    const before = await git(repository, 'rev-parse', 'main');
    const ticket = await desk.order('desk', {
      title: 'Line',
      paths: ['line.txt'],
      command: 'echo line > line.txt',
    });
    const merged = await desk.untilState(ticket.id, 'merged');
    expect(await git(repository, 'rev-list', '--merges', `${before}..main`)).toBe('');
    expect(await git(repository, 'rev-parse', 'main')).toBe(merged.mergedCommit);
  });

  test('[S4] [J2] a conflict fails the attempt, and the next one works on the new base; one more waits for the operator', async () => {
    const ticket = await desk.order('desk', {
      title: 'Conflict',
      paths: ['notes.txt'],
      command: 'sleep 1; echo theirs > notes.txt',
    });
    await desk.untilState(ticket.id, 'in_progress');
    const moved = await commit(repository, 'The same line by hand', { 'notes.txt': 'mine\n' });
    const merged = await desk.untilState(ticket.id, 'merged');
    expect(merged).toMatchObject({ state: 'merged', attempts: 2, base: moved });
    expect(merged.attemptList[0]).toMatchObject({
      state: 'failed',
      reason: expect.stringMatching(/does not merge with main: notes\.txt/) as string,
    });
    expect(await read(repository, 'notes.txt')).toBe('theirs\n');

    const handoffs = await desk.ask<HandoffView[]>(['handoff', 'read', '--brand', 'desk']);
    expect(handoffs.filter((one) => one.ticket === ticket.id)).toMatchObject([
      { read: true, context: { blockers: [expect.stringContaining('notes.txt') as string] } },
    ]);

    const again = await desk.order('desk', {
      title: 'Conflict again',
      paths: ['notes.txt'],
      command: 'sleep 1; date +%N > notes.txt',
    });
    for (const attempts of [1, 2]) {
      await desk.until(
        (item) => item.kind === 'ticket' && item.ticket.id === again.id && item.ticket.attempts === attempts,
      );
      await commit(repository, `By hand, ${attempts}`, { 'notes.txt': `mine ${attempts}\n` });
    }
    await desk.until((item) => item.kind === 'waiting' && item.items.some(({ kind }) => kind === 'conflict'));
    const asked = await desk.show(again.id);
    expect(asked).toMatchObject({
      state: 'verifying',
      questions: [{ run: null, about: 'conflict', text: expect.stringContaining('notes.txt') as string }],
    });
    await desk.ask(['ticket', 'answer', again.id, '--text', 'again, and keep what I wrote']);
    const landed = await desk.untilState(again.id, 'merged');
    expect(landed.attemptList.map(({ state, counts }) => [state, counts])).toEqual([
      ['failed', true],
      ['interrupted', false],
      ['passed', false],
    ]);
  });

  test('[B3] failing tests fail the attempt with their reason; the third is a dead letter, and main stays as it was', async () => {
    const before = await git(repository, 'rev-parse', 'main');
    const ticket = await desk.order('desk', {
      title: 'Break it',
      paths: ['broken'],
      command: 'date +%N > broken',
    });
    const blocked = await desk.untilState(ticket.id, 'blocked');
    expect(blocked).toMatchObject({ state: 'blocked', attempts: 3 });
    expect(blocked.blockedReason).toMatch(/^dead-letter: .*broken is there/);
    for (const attempt of blocked.attemptList)
      expect(attempt).toMatchObject({
        state: 'failed',
        counts: true,
        reason: expect.stringContaining('broken is there') as string,
      });
    expect(await git(repository, 'rev-parse', 'main')).toBe(before);
    expect(await git(repository, 'status', '--porcelain')).toBe('');
  });

  test('[B3] an acceptance command that does not hold, and a path outside the ticket, are refused by the gate', async () => {
    const before = await git(repository, 'rev-parse', 'main');
    const acceptance = await desk.order('desk', {
      title: 'Not accepted',
      paths: ['accepted.txt'],
      acceptance: ['grep -q gold accepted.txt'],
      command: 'date +%N > accepted.txt',
    });
    const outside = await desk.order('desk', {
      title: 'Outside',
      paths: ['inside/**'],
      command: 'date +%N > outside.txt',
    });
    const [unaccepted, strayed] = await Promise.all(
      [acceptance, outside].map(({ id }) => desk.firstFailure(id)),
    );
    expect(unaccepted).toMatch(/grep -q gold accepted\.txt/);
    expect(strayed).toMatch(/outside the ticket: outside\.txt/);
    expect(await git(repository, 'rev-parse', 'main')).toBe(before);
  });

  test('[A12] an agent that says it is done and submits nothing has failed', async () => {
    const ticket = await desk.order('desk', {
      title: 'Big words',
      paths: ['words.txt'],
      runtime: 'scripted',
      command: JSON.stringify([
        { write: { path: 'words.txt', content: 'words' } },
        { commit: 'words' },
        { say: 'Done! All tests pass.' },
      ]),
    });
    expect(await desk.firstFailure(ticket.id)).toMatch(/submitted no result/);
  });

  test('[A12] a result that names another ticket or a commit that is not there is refused', async () => {
    const script = (submit: object) =>
      JSON.stringify([{ write: { path: 'claim.txt', content: 'claim' } }, { commit: 'claim' }, { submit }]);
    const other = await desk.order('desk', {
      title: 'Other',
      paths: ['claim.txt'],
      runtime: 'scripted',
      command: script({ ticket: 'T-desk-999' }),
    });
    expect(await desk.firstFailure(other.id)).toMatch(/no result/);
    const nowhere = await desk.order('desk', {
      title: 'Nowhere',
      paths: ['claim.txt'],
      runtime: 'scripted',
      command: script({ commit: '1'.repeat(40) }),
    });
    expect(await desk.firstFailure(nowhere.id)).toMatch(/1{40}.*no commit of this attempt/);
  });
});

describe('a repository with a remote', () => {
  let repository: string;
  let remote: string;
  let colleague: string;

  beforeAll(async () => {
    remote = path.join(desk.workspace.around, 'remote.git');
    colleague = path.join(desk.workspace.around, 'colleague');
    repository = await makeShellRepository(path.join(desk.workspace.around, 'shared'));
    await mkdir(remote);
    await git(remote, 'init', '-q', '--bare', '-b', 'main');
    await git(repository, 'remote', 'add', 'origin', remote);
    await git(repository, 'push', '-q', '-u', 'origin', 'main');
    await git(desk.workspace.around, 'clone', '-q', remote, colleague);
    await desk.addBrand('shared', repository, ...SHELL_CHECKS);
    await desk.stopCore();
    await desk.configure('brands/shared/brand.yaml', (value) => {
      for (const each of value['repositories'] as { afterMerge: unknown }[])
        each.afterMerge = { kind: 'push', remote: 'origin' };
    });
  });

  test('a remote that is ahead is fast-forwarded to first, and the merge is pushed', async () => {
    const theirs = await commit(colleague, 'By a colleague', { 'colleague.txt': 'hello\n' });
    await git(colleague, 'push', '-q');
    const ticket = await desk.order('shared', {
      title: 'Push',
      paths: ['push.txt'],
      acceptance: ['test -e colleague.txt'],
      command: 'echo push > push.txt',
    });
    const merged = await desk.untilState(ticket.id, 'merged');
    expect(merged).toMatchObject({ state: 'merged', base: theirs });
    await desk.dispatch();
    const after = await desk.show(ticket.id);
    expect(after.timeline.map((entry) => entry.type)).toContain('merge.published');
    expect(await git(remote, 'rev-parse', 'main')).toBe(merged.mergedCommit);
    expect(await git(repository, 'status', '--porcelain')).toBe('');
  });

  test('[F10] a main that diverged from its remote waits for a person, and goes on when they have met again', async () => {
    await git(colleague, 'pull', '-q');
    await commit(colleague, 'There', { 'there.txt': 'there\n' });
    await git(colleague, 'push', '-q');
    await commit(repository, 'Here', { 'here.txt': 'here\n' });
    const ticket = await desk.order('shared', {
      title: 'Apart',
      paths: ['apart.txt'],
      command: 'echo apart > apart.txt',
    });
    const started = await desk.dispatch();
    const waiting = await desk.show(ticket.id);
    expect(waiting).toMatchObject({
      state: 'ready',
      attempts: 0,
      reason: expect.stringMatching(/have parted/) as string,
    });
    expect(started.phases[0]).toMatchObject({
      outcome: 'waiting',
      reason: expect.stringContaining('have parted') as string,
    });
    await git(repository, 'pull', '-q', '--no-rebase', '--no-edit');
    expect((await desk.dispatch()).merged).toEqual([ticket.id]);
  });

  test('a remote that cannot be reached does not undo the merge: it says that it was not pushed', async () => {
    await rm(remote, { recursive: true });
    const ticket = await desk.order('shared', {
      title: 'Alone',
      paths: ['alone.txt'],
      command: 'echo alone > alone.txt',
    });
    await desk.dispatch();
    const merged = await desk.show(ticket.id);
    expect(merged.state).toBe('merged');
    expect(merged.timeline.find((entry) => entry.type === 'merge.published')?.text).toMatch(
      /not|fail|could/i,
    );
  });
});

test('a baseline that is red is said when the brand is added, and a ticket may mend it', async () => {
  const repository = await makeShellRepository(path.join(desk.workspace.around, 'red'), { broken: 'yes\n' });
  const added = await desk.addBrand('red', repository, ...SHELL_CHECKS);
  expect(added.repositories[0]).toMatchObject({
    baseline: 'red',
    detail: expect.stringMatching(/fails on main too: .*broken is there/) as string,
  });
  const ticket = await desk.order('red', { title: 'Mend it', paths: ['broken'], command: 'rm broken' });
  expect((await desk.untilState(ticket.id, 'merged')).state).toBe('merged');
});
