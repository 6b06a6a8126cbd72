import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { checkGit } from './git.ts';
import { guessFromFiles } from './guess-checks.ts';
import { inspectRepository } from './inspect.ts';
import { openRepository } from './repository.ts';
import { makeGround } from './testing/fixture.ts';
import type { Ground } from './testing/fixture.ts';
import { sandboxed } from './testing/sandbox.ts';

let ground: Ground;
afterEach(() => ground.dispose());
const inspect = (path = ground.host) => inspectRepository({ path, git: ground.git });

test.each(['-dash', 'with space', 'ünïcode ☃', `${'long'.repeat(55)}`, 'new\nline'])(
  'a repository at %j is found',
  async (name) => {
    ground = makeGround(name);
    const head = ground.commit({ 'a.txt': 'x' });
    ground.operator(['remote', 'add', 'origin', 'https://user:secret@example.org/x.git']);
    expect(await inspect()).toEqual({
      ok: true,
      path: ground.host,
      gitDir: join(ground.host, '.git'),
      commonDir: join(ground.host, '.git'),
      objects: join(ground.host, '.git', 'objects'),
      branch: 'main',
      head,
      dirty: false,
      identity: { name: 'Olga Operator', email: 'olga@example.org' },
      remotes: [{ name: 'origin', url: 'https://example.org/x.git' }],
      shallow: false,
      objectFormat: 'sha1',
      notes: [],
    });
  },
);

test('a dirty tree, another default branch, submodules, LFS and a missing name are noted, not refused', async () => {
  ground = makeGround();
  ground.operator(['checkout', '-q', '-b', 'trunk/é']);
  ground.commit({ '.gitattributes': '*.bin filter=lfs diff=lfs\n', '.gitmodules': '' });
  writeFileSync(join(ground.home, '.gitconfig'), '');
  ground.write('dirt', 'x');
  const found = await inspect();
  expect(found).toMatchObject({ ok: true, branch: 'trunk/é', dirty: true, identity: null });
  expect(found).toHaveProperty('notes.length', 3);
});

describe('what cannot be added is said in a sentence', () => {
  test.each<[string, (at: Ground) => string | void]>([
    ['missing-path', (at) => join(at.root, 'nowhere')],
    ['not-a-folder', (at) => (at.write('f', ''), join(at.host, 'f'))],
    ['not-a-repository', (at) => at.home],
    ['not-a-repository', (at) => join(at.host, '.git')],
    ['unreadable', (at) => (at.commit({}), writeFileSync(join(at.host, '.git/HEAD'), 'nonsense'))],
    ['empty', () => undefined],
    ['unborn', (at) => (at.commit({}), void at.operator(['checkout', '-q', '--orphan', 'other']))],
    ['detached', (at) => (at.commit({}), void at.operator(['checkout', '-q', '--detach']))],
    ['bare', (at) => (at.operator(['init', '-q', '--bare', join(at.root, 'bare')]), join(at.root, 'bare'))],
    ['inside-repository', (at) => (at.commit({ 'd/x': '' }), join(at.host, 'd'))],
    [
      'partial-clone',
      (at) => (at.commit({}), void at.operator(['config', 'extensions.partialClone', 'origin'])),
    ],
  ])('%s', async (code, prepare) => {
    ground = makeGround();
    const path = prepare(ground) ?? ground.host;
    const answer = await inspect(path);
    expect(answer).toMatchObject({ ok: false, code });
    expect(answer.ok ? '' : answer.message).toContain(path);
    expect(answer.ok ? '' : answer.message).toMatch(/^[^.].*\.$/s);
  });
});

test('a link to a repository is the repository, and a linked working tree is one too', async () => {
  ground = makeGround();
  ground.commit({ a: '1' });
  symlinkSync(ground.host, join(ground.root, 'link'));
  expect(await inspect(join(ground.root, 'link'))).toMatchObject({ ok: true, path: ground.host });
  const linked = join(ground.root, 'linked');
  ground.operator(['worktree', 'add', '-q', '-b', 'side', linked]);
  expect(await inspect(linked)).toMatchObject({
    ok: true,
    branch: 'side',
    commonDir: join(ground.host, '.git'),
  });
});

test('a branch that is there opens though the folder is on none; one that is not there is named', async () => {
  ground = makeGround();
  const head = ground.commit({ a: '1' });
  ground.operator(['checkout', '-q', '--detach']);
  expect(await (await ground.open()).head()).toBe(head);
  const opened = await openRepository({
    path: ground.host,
    branch: 'gone',
    git: ground.git,
    stateDir: join(ground.root, 'other'),
    sandboxed,
    sealed: false,
    owner: null,
    clock: () => new Date(0),
  });
  expect(opened).toMatchObject({ ok: false, code: 'branch-missing' });
});

test('git itself is looked at first', async () => {
  ground = makeGround();
  expect(await checkGit(ground.git)).toMatchObject({ ok: true });
  const old = join(ground.root, 'old-git');
  writeFileSync(old, '#!/bin/sh\necho git version 2.37.9\n', { mode: 0o755 });
  expect(await checkGit({ ...ground.git, file: old })).toMatchObject({ code: 'git-too-old' });
  expect(await checkGit({ ...ground.git, file: join(ground.root, 'none') })).toMatchObject({
    code: 'git-missing',
  });
});

describe('checks are guessed', () => {
  const guess = (files: Record<string, string>) =>
    guessFromFiles(Object.keys(files), (name) => Promise.resolve(files[name] ?? ''));
  const npm = (scripts: Record<string, string>, extra: Record<string, string> = {}) =>
    guess({ 'package.json': JSON.stringify({ scripts, devDependencies: { x: '1' } }), ...extra });
  const nothing = { setup: 'none', test: 'none', lint: 'none', count: 'exit', lockfiles: [], setupHosts: [] };

  test('from what is committed, not from what lies in the folder', async () => {
    ground = makeGround();
    ground.commit({ 'package.json': '{"scripts":{"test":"node --test"}}' });
    ground.write('package.json', '{"scripts":{"test":"evil"}}');
    expect(await (await ground.open()).guessChecks()).toEqual({
      ...nothing,
      test: 'NODE_OPTIONS=--test-reporter=tap npm test',
      count: 'tap',
      lockfiles: ['package.json'],
    });
  });

  test('for each ecosystem', async () => {
    ground = makeGround();
    mkdirSync(join(ground.root, 'unused'));
    expect(
      await npm(
        { test: 'echo "Error: no test specified" && exit 1', lint: 'eslint .' },
        { 'package-lock.json': '' },
      ),
    ).toEqual({
      setup: 'npm ci',
      test: 'none',
      lint: 'npm run lint',
      count: 'exit',
      lockfiles: ['package-lock.json', 'package.json'],
      setupHosts: ['registry.npmjs.org'],
    });
    expect(await npm({ test: 'vitest run' })).toMatchObject({
      test: 'npm test -- --reporter=tap-flat',
      count: 'tap',
    });
    expect(await npm({ test: 'jest' })).toMatchObject({ test: 'npm test', count: 'exit' });
    expect(await npm({ test: 'tap test/*.js' })).toMatchObject({ test: 'npm test', count: 'tap' });
    expect(await npm({ test: 'tsc && node --test' })).toMatchObject({ test: 'npm test', count: 'exit' });
    expect(await npm({ test: 'jest' }, { 'pnpm-lock.yaml': '' })).toMatchObject({ test: 'pnpm test' });
    expect(await guess({ 'package.json': 'not json' })).toEqual(nothing);
    expect(await guess({ 'Cargo.toml': '', 'Cargo.lock': '' })).toMatchObject({
      test: 'cargo test',
      lockfiles: ['Cargo.lock'],
    });
    expect(await guess({ 'go.mod': '' })).toMatchObject({ setup: 'none', test: 'go test ./...' });
    expect(await guess({ 'requirements.txt': '', 'pytest.ini': '' })).toMatchObject({
      test: '.venv/bin/python -m pytest',
    });
    expect(await guess({ Makefile: 'test:\n\techo\nlint := x\n' })).toMatchObject({
      test: 'make test',
      lint: 'none',
    });
    expect(await guess({ 'README.md': '' })).toEqual(nothing);
  });
});
