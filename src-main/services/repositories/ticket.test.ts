import { closeSync, existsSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Repository } from './repository.ts';
import { asAgent, IDENTITY, makeGround } from './testing/fixture.ts';
import type { Ground } from './testing/fixture.ts';

let ground: Ground;
let base: string;
beforeEach(() => {
  ground = makeGround('-a  folder "with" ünïcode\nand more');
  base = ground.commit({ 'a.txt': 'one\n', 'src/b.txt': 'two\n', 'run.sh': '#!/bin/sh\n' });
});
afterEach(() => ground.dispose());

async function worked(
  repository: Repository,
  script: string,
  ticket = 'T-acme-1',
): Promise<{ folder: string; head: string; baseObjects: string }> {
  const folder = join(ground.root, 'checkouts', ticket);
  const commit = await repository.head();
  await repository.pinBase(`${ticket}.1`, commit);
  const made = await repository.createCheckout({
    folder,
    commit,
    branch: `atrium/${ticket}`,
    identity: IDENTITY,
  });
  if (!made.ok) throw new Error(made.message);
  await asAgent(folder, made.baseObjects, script);
  const collected = await repository.collect({ folder, base: commit, attempt: `${ticket}.1` });
  if (!collected.ok) throw new Error(`${collected.code}: ${collected.message}`);
  return { folder, head: collected.head, baseObjects: made.baseObjects };
}

describe.each([{ sealed: false }, { sealed: true }])('a ticket, sealed: $sealed', ({ sealed }) => {
  test('goes from a checkout to the branch and the clean working tree', async () => {
    const repository = await ground.open({ sealed });
    const { folder, head } = await worked(
      repository,
      `echo more >> a.txt; chmod +x run.sh; git rm -q src/b.txt; ln -s a.txt link; git add -A; git commit -qm "Ticket work"`,
    );
    const listed = await repository.changes(base, head);
    expect(listed.map(({ path, status, newMode }) => [path, status, newMode])).toEqual([
      ['a.txt', 'modified', '100644'],
      ['link', 'added', '120000'],
      ['run.sh', 'modified', '100755'],
      ['src/b.txt', 'deleted', '000000'],
    ]);
    expect((await repository.diffText(base, head)).text).toContain('+more');
    const merged = await repository.mergeTree(base, head);
    if (!merged.ok) throw new Error(merged.message);
    const made = await repository.commitMerge({
      tree: merged.tree,
      onto: base,
      candidate: head,
      message: 'Merge',
      author: IDENTITY,
      date: new Date(0),
    });
    expect(made).toEqual({ commit: head, linear: true });
    expect(await repository.land({ commit: head, expected: base, message: 'T-acme-1' })).toEqual({
      ok: true,
      commit: head,
      repeated: false,
      folder: ground.host,
    });
    expect(ground.operator(['rev-parse', 'main'])).toBe(head);
    expect(ground.operator(['status', '--porcelain'])).toBe('');
    expect(readFileSync(join(ground.host, 'a.txt'), 'utf8')).toBe('one\nmore\n');
    expect(existsSync(join(ground.host, 'src'))).toBe(false);
    expect(statSync(join(ground.host, 'run.sh')).mode & 0o111).not.toBe(0);
    expect(ground.operator(['log', '-1', '--format=%an <%ae>'])).toBe('Ada "the" Agent <ada@example.org>');
    expect(ground.operator(['reflog', '-1', '--format=%gs', 'main'])).toBe('T-acme-1');
    expect(await repository.land({ commit: head, expected: base, message: 'again' })).toMatchObject({
      ok: true,
      repeated: true,
    });
    expect(await repository.removeCheckout(folder)).toEqual({ ok: true, saved: null });
    expect(existsSync(folder)).toBe(false);
    expect(await repository.checkouts()).toEqual([]);
    await repository.unpinBase('T-acme-1.1');
    expect(await repository.pins()).toEqual([]);
    expect(await repository.soundness()).toEqual({ ok: true, head });
  });

  test('a checkout of a merged commit that the host does not have yet shows the merged files', async () => {
    const repository = await ground.open({ sealed });
    const { head } = await worked(repository, `echo agent > agent.txt; git add -A; git commit -qm agent`);
    const onto = ground.commit({ 'operator.txt': 'operator\n' });
    const merged = await repository.mergeTree(onto, head);
    if (!merged.ok) throw new Error(merged.message);
    const input = {
      tree: merged.tree,
      onto,
      candidate: head,
      message: 'Merge T-acme-1',
      author: IDENTITY,
      date: new Date(1e12),
    };
    const made = await repository.commitMerge(input);
    expect(made.linear).toBe(false);
    expect(await repository.commitMerge(input)).toEqual(made);
    const folder = join(ground.root, 'gate');
    const gate = await repository.createCheckout({
      folder,
      commit: made.commit,
      branch: 'atrium/gate',
      identity: IDENTITY,
    });
    if (!gate.ok) throw new Error(gate.message);
    expect(
      (await asAgent(folder, gate.baseObjects, 'ls; git status --porcelain; git rev-parse HEAD')).split('\n'),
    ).toEqual([...['a.txt', 'agent.txt', 'operator.txt', 'run.sh', 'src'], made.commit, '']);
    expect(() => ground.operator(['cat-file', '-e', made.commit])).toThrow();
    expect(await repository.land({ commit: made.commit, expected: base, message: 'm' })).toMatchObject({
      code: 'moved',
      actual: onto,
    });
    expect(await repository.land({ commit: made.commit, expected: onto, message: 'm' })).toMatchObject({
      ok: true,
    });
    expect(ground.operator(['log', '--format=%p', '-1']).split(' ')).toHaveLength(2);
    expect(ground.operator(['status', '--porcelain'])).toBe('');
    expect(ground.operator(['fsck', '--strict'])).not.toContain('error');
  });

  test('the base stays usable after a clean-up on the host, and a rewritten branch', async () => {
    const repository = await ground.open({ sealed });
    const folder = join(ground.root, 'checkouts', 'one');
    await repository.pinBase('T-acme-1.1', base);
    const made = await repository.createCheckout({
      folder,
      commit: base,
      branch: 'atrium/T-acme-1',
      identity: IDENTITY,
    });
    if (!made.ok) throw new Error(made.message);
    ground.operator(['commit', '-q', '--amend', '-m', 'rewritten']);
    ground.operator(['reflog', 'expire', '--expire=now', '--all']);
    ground.operator(['gc', '-q', '--prune=now']);
    await asAgent(folder, made.baseObjects, 'echo x > a.txt; git commit -qam x; git log --oneline; git fsck');
    expect(await repository.collect({ folder, base, attempt: 'T-acme-1.1' })).toMatchObject({
      ok: true,
      commits: 1,
    });
  });
});

test('a sealed brand sees this commit alone', async () => {
  ground.operator(['checkout', '-q', '-b', 'secret']);
  const hidden = ground.commit({ 'secret.txt': 'the plan\n' });
  ground.operator(['checkout', '-q', 'main']);
  const repository = await ground.open({ sealed: true });
  const { folder, baseObjects } = await worked(repository, 'git commit -q --allow-empty -m x');
  expect(folder).toContain('checkouts');
  await expect(asAgent(folder, baseObjects, `git cat-file -e ${hidden}`)).rejects.toThrow('ended with');
});

test('where the run has a user who cannot read the host, its objects are made apart', async () => {
  const own = await (await ground.open()).prepareObjects(base);
  expect(own).toEqual({ baseObjects: join(ground.host, '.git', 'objects'), shallow: [], complete: true });
  const repository = await ground.open({ owner: { uid: 4242, gid: 4242 } });
  const objects = join(ground.root, 'state', 'base', base, 'objects');
  expect(await repository.prepareObjects(base)).toEqual({
    baseObjects: objects,
    shallow: [base],
    complete: true,
  });
  expect(statSync(join(objects, 'pack')).mode & 0o777).toBe(0o755);
  expect(await repository.sweepObjects()).toBe(1);
  expect(existsSync(objects)).toBe(false);
});

test('prepared objects are not swept from under a checkout that is being made', async () => {
  const repository = await ground.open({ sealed: true });
  for (let round = 0; round < 6; round += 1) {
    await repository.prepareObjects(base);
    const folder = join(ground.root, 'checkouts', `swept-${round}`);
    const making = repository.createCheckout({ folder, commit: base, branch: 'x', identity: IDENTITY });
    const sweeping = Promise.all([repository.sweepObjects(), repository.sweepObjects()]);
    const [made] = await Promise.all([making, sweeping]);
    expect(made.ok && existsSync(made.baseObjects)).toBe(true);
    await repository.removeCheckout(folder, { discard: true });
  }
});

test.each([[false], [true]])(
  'a host that is itself a shallow clone serves checkouts, sealed: %s',
  async (sealed) => {
    ground.commit({ 'a.txt': 'second\n' });
    const path = join(ground.root, 'shallow');
    ground.operator(['init', '-q', '-b', 'main', path], ground.root);
    ground.operator(['fetch', '-q', '--depth=1', ground.host, 'main'], path);
    ground.operator(['reset', '-q', '--hard', 'FETCH_HEAD'], path);
    const repository = await ground.open({ path, sealed });
    const { head } = await worked(repository, 'echo x > a.txt; git commit -qam x; git log --oneline');
    const expected = await repository.head();
    expect(await repository.land({ commit: head, expected, message: 'x' })).toMatchObject({ ok: true });
    expect(ground.operator(['status', '--porcelain'], path)).toBe('');
  },
);

test('what conflicts is named, and nothing moves', async () => {
  const repository = await ground.open();
  const { head } = await worked(repository, 'echo agent > a.txt; git commit -qam agent');
  const onto = ground.commit({ 'a.txt': 'operator\n' });
  expect(await repository.mergeTree(onto, head)).toMatchObject({
    ok: false,
    code: 'conflict',
    conflicts: ['a.txt'],
  });
  expect(await repository.head()).toBe(onto);
});

test('a checkout says how it stands, and what is not collected is saved before it goes', async () => {
  const repository = await ground.open();
  const { folder, baseObjects } = await worked(repository, 'echo x > x; git add x; git commit -qm x');
  await asAgent(
    folder,
    baseObjects,
    `printf y > '-odd
name'; echo z >> a.txt; git branch other; git checkout -q other; git commit -q --allow-empty -m side; git checkout -q -`,
  );
  expect(await repository.describeCheckout(folder)).toMatchObject({
    ok: true,
    base,
    branch: 'atrium/T-acme-1',
    dirty: ['a.txt', '-odd\nname'],
    ahead: 1,
  });
  const removed = await repository.removeCheckout(folder);
  if (!removed.ok || removed.saved === null) throw new Error('nothing was saved');
  expect(existsSync(folder)).toBe(false);
  expect((await repository.listFiles(removed.saved.commit)).map(({ path }) => path)).toContain('-odd\nname');
  expect((await repository.trash()).map(({ ref, commit }) => ({ ref, commit }))).toEqual([removed.saved]);
  const again = await repository.createCheckout({
    folder,
    commit: removed.saved.commit,
    branch: 'back',
    identity: IDENTITY,
  });
  expect(again.ok).toBe(true);
  expect(readFileSync(join(folder, 'a.txt'), 'utf8')).toBe('one\nz\n');
});

test('a folder that is not empty is refused', async () => {
  const repository = await ground.open();
  const input = { commit: base, branch: 'b', identity: IDENTITY };
  expect(await repository.createCheckout({ ...input, folder: ground.host })).toMatchObject({
    code: 'folder-not-empty',
  });
  expect(await repository.createCheckout({ ...input, folder: join(ground.host, 'a.txt') })).toMatchObject({
    code: 'not-a-folder',
  });
});

test('files, and a hash over lockfiles, are read from the commit', async () => {
  const repository = await ground.open();
  const second = ground.commit({ 'package-lock.json': '{}', '-x:y': 'dash', 'other.txt': 'o' });
  expect(await repository.readFile(second, '-x:y')).toMatchObject({
    ok: true,
    mode: '100644',
    bytes: Buffer.from('dash'),
  });
  expect(await repository.readFile(second, 'src')).toMatchObject({ code: 'not-a-file' });
  expect(await repository.readFile(second, 'none')).toMatchObject({ code: 'missing' });
  expect(await repository.readFile(second, 'a.txt', 2)).toMatchObject({ code: 'too-large' });
  const third = ground.commit({ 'other.txt': 'changed' });
  const fourth = ground.commit({ 'package-lock.json': '{"x":1}' });
  const [one, two, three] = await Promise.all(
    [second, third, fourth].map((commit) =>
      repository.lockfileHash(commit, ['package-lock.json', 'yarn.lock']),
    ),
  );
  expect(one).toBe(two);
  expect(three).not.toBe(one);
  expect(await repository.commitsBetween(second, fourth)).toEqual([third, fourth]);
});

test('a git that is at work meanwhile sees the borrowed objects whole, whenever a repository is opened again', async () => {
  const { scratch } = await ground.open();
  const alternates = join(scratch, 'objects', 'info', 'alternates');
  const whole = readFileSync(alternates, 'utf8');
  const before = statSync(alternates).ino;
  await ground.open();
  expect(statSync(alternates).ino, 'what is right is not written again').toBe(before);

  writeFileSync(alternates, `${whole}# moved\n`);
  const held = openSync(alternates, 'r');
  try {
    await ground.open();
    expect(readFileSync(held, 'utf8')).toBe(`${whole}# moved\n`);
    expect(readFileSync(alternates, 'utf8')).toBe(whole);
  } finally {
    closeSync(held);
  }
});
