import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Repository } from './repository.ts';
import { makeGround } from './testing/fixture.ts';
import type { Ground } from './testing/fixture.ts';

let ground: Ground;
let base: string;
let remote: string;
let repository: Repository;
beforeEach(async () => {
  ground = makeGround();
  base = ground.commit({ 'a.txt': 'one\n' });
  remote = join(ground.root, 'remote.git');
  ground.operator(['init', '-q', '--bare', '-b', 'main', remote]);
  repository = await ground.open();
});
afterEach(() => ground.dispose());

/** Somebody else's commit on the remote. */
function elsewhere(): string {
  const other = join(ground.root, 'other');
  ground.operator(['clone', '-q', remote, other], ground.root);
  writeFileSync(join(other, 'other.txt'), 'x');
  ground.operator(['add', '-A'], other);
  ground.operator(['commit', '-q', '-m', 'elsewhere'], other);
  ground.operator(['push', '-q'], other);
  return ground.operator(['rev-parse', 'HEAD'], other);
}

test('how the branch stands to its remote is told, and catching up is a landing', async () => {
  expect(await repository.fetchRemote()).toEqual({ ok: true, state: 'no-remote' });
  ground.operator(['remote', 'add', 'origin', remote]);
  expect(await repository.fetchRemote()).toEqual({ ok: true, state: 'no-remote-branch' });
  ground.operator(['push', '-q', 'origin', 'main']);
  expect(await repository.fetchRemote()).toMatchObject({ state: 'up-to-date', remoteHead: base });
  const theirs = elsewhere();
  expect(await repository.fetchRemote()).toMatchObject({
    state: 'behind',
    remoteHead: theirs,
    behind: 1,
    ahead: 0,
  });
  expect(await repository.head()).toBe(base);
  expect(await repository.land({ commit: theirs, expected: base, message: 'caught up' })).toMatchObject({
    ok: true,
  });
  expect(ground.operator(['status', '--porcelain'])).toBe('');
  ground.commit({ 'a.txt': 'ours\n' });
  expect(await repository.fetchRemote()).toMatchObject({ state: 'ahead', ahead: 1 });
});

test('a branch that parted waits for a person', async () => {
  ground.operator(['remote', 'add', 'origin', remote]);
  ground.operator(['push', '-q', '-u', 'origin', 'main']);
  const theirs = elsewhere();
  ground.commit({ 'a.txt': 'ours\n' });
  expect(await repository.fetchRemote()).toMatchObject({
    ok: false,
    code: 'diverged',
    ahead: 1,
    behind: 1,
    remoteHead: theirs,
  });
});

test('a remote that cannot be reached is said without its password', async () => {
  ground.operator(['remote', 'add', 'origin', 'http://user:secret@127.0.0.1:1/x.git']);
  const answer = await repository.fetchRemote();
  expect(answer).toMatchObject({ ok: false, code: 'remote-unreachable', remote: 'origin' });
  expect(JSON.stringify(answer)).not.toContain('secret');
  ground.operator(['remote', 'set-url', 'origin', 'ext::touch /tmp/never']);
  expect(await repository.fetchRemote()).toMatchObject({ code: 'remote-unreachable' });
});

test('after a merge: nothing, a push, or a branch; never by force', async () => {
  const input = { commit: base, branch: 'atrium/T-a-1' };
  expect(await repository.afterMerge({ kind: 'nothing' }, input)).toEqual({ ok: true, done: 'nothing' });
  expect(await repository.afterMerge({ kind: 'push', remote: 'origin' }, input)).toMatchObject({
    code: 'remote-missing',
  });
  ground.operator(['remote', 'add', 'origin', remote]);
  const pushed = { ok: true, done: 'pushed', remote: 'origin', branch: 'main' };
  expect(await repository.afterMerge({ kind: 'push', remote: 'origin' }, input)).toEqual(pushed);
  expect(await repository.afterMerge({ kind: 'push', remote: 'origin' }, input)).toEqual(pushed);
  expect(await repository.afterMerge({ kind: 'branch', remote: 'origin' }, input)).toMatchObject({
    branch: 'atrium/T-a-1',
  });
  expect(ground.operator(['ls-remote', remote, 'refs/heads/atrium/T-a-1'])).toContain(base);
  const theirs = elsewhere();
  const ours = ground.commit({ 'a.txt': 'ours\n' });
  expect(
    await repository.afterMerge({ kind: 'push', remote: 'origin' }, { ...input, commit: ours }),
  ).toMatchObject({
    code: 'remote-rejected',
  });
  expect(ground.operator(['ls-remote', remote, 'refs/heads/main'])).toContain(theirs);
});
