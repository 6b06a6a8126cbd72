import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { LandingStep } from './land.ts';
import type { Repository } from './repository.ts';
import { makeGround } from './testing/fixture.ts';
import type { Ground } from './testing/fixture.ts';

let ground: Ground;
let base: string;
let next: string;
let repository: Repository;
beforeEach(async () => {
  ground = makeGround();
  base = ground.commit({
    'a.txt': 'one\n',
    'gone/b.txt': 'two\n',
    'kept.txt': 'kept\n',
    '.gitignore': 'ignored\n',
  });
  ground.operator(['checkout', '-q', '-b', 'work']);
  rmSync(join(ground.host, 'gone'), { recursive: true });
  next = ground.commit({ 'a.txt': 'one\nmore\n', 'new/c.txt': 'three\n', ignored2: 'x' });
  ground.operator(['checkout', '-q', 'main']);
  repository = await ground.open();
});
afterEach(() => ground.dispose());

const landing = () => repository.land({ commit: next, expected: base, message: 'landing' });
const lock = () => join(ground.host, '.git', 'index.lock');

test('unrelated dirty files survive', async () => {
  ground.write('kept.txt', 'changed by the operator\n');
  ground.write('untracked', 'mine\n');
  expect(await landing()).toMatchObject({ ok: true, folder: ground.host });
  expect(ground.operator(['status', '--porcelain'])).toBe(' M kept.txt\n?? untracked');
});

test.each<[string, (ground: Ground) => void, RegExp]>([
  ['a dirty file it touches', (at) => at.write('a.txt', 'mine\n'), /a\.txt has changes/],
  ['a staged change', (at) => (at.write('kept.txt', 's\n'), void at.operator(['add', 'kept.txt'])), /staged/],
  ['an untracked file in its way', (at) => at.write('new/c.txt', 'mine\n'), /new\/c\.txt is there/],
  [
    'a lock of another git',
    (at) => writeFileSync(join(at.host, '.git', 'index.lock'), ''),
    /another git command/,
  ],
  [
    'a merge that is not finished',
    (at) => writeFileSync(join(at.host, '.git', 'MERGE_HEAD'), ''),
    /a merge is not finished/,
  ],
])('%s lets the merge wait, and nothing is changed', async (_name, prepare, detail) => {
  prepare(ground);
  const before = ground.operator(['--no-optional-locks', 'status', '--porcelain']);
  const index = readFileSync(join(ground.host, '.git', 'index'));
  const answer = await landing();
  expect(answer).toMatchObject({ ok: false, code: 'working-tree-busy', folder: ground.host });
  expect(answer).toHaveProperty('detail', expect.stringMatching(detail));
  expect(await repository.landingWaits({ commit: next, expected: base })).toEqual(answer);
  expect(ground.operator(['rev-parse', 'main'])).toBe(base);
  expect(ground.operator(['--no-optional-locks', 'status', '--porcelain'])).toBe(before);
  expect(readFileSync(join(ground.host, '.git', 'index'))).toEqual(index);
  expect(existsSync(join(ground.host, '.git', 'atrium-index'))).toBe(false);
});

test('an ignored file in its way is not overwritten', async () => {
  ground.write('.git/info/exclude', 'ignored2\n');
  ground.write('ignored2', 'mine\n');
  expect(await landing()).toMatchObject({ code: 'working-tree-busy' });
  expect(readFileSync(join(ground.host, 'ignored2'), 'utf8')).toBe('mine\n');
});

test('where nothing makes it wait, asking says so and changes nothing', async () => {
  expect(await repository.landingWaits({ commit: next, expected: base })).toBeNull();
  expect(ground.operator(['rev-parse', 'main'])).toBe(base);
  expect(ground.operator(['status', '--porcelain'])).toBe('');
  expect(existsSync(join(ground.host, '.git', 'atrium-index'))).toBe(false);
});

test('a branch that is checked out nowhere moves alone', async () => {
  ground.operator(['checkout', '-q', '-b', 'elsewhere']);
  ground.write('a.txt', 'dirty\n');
  expect(await landing()).toEqual({ ok: true, commit: next, repeated: false, folder: null });
  expect(ground.operator(['rev-parse', 'main'])).toBe(next);
  expect(ground.operator(['status', '--porcelain'])).toBe(' M a.txt');
});

test('a branch in a linked working tree moves with that tree', async () => {
  const linked = join(ground.root, 'linked tree');
  ground.operator(['checkout', '-q', '-b', 'elsewhere']);
  ground.operator(['worktree', 'add', '-q', linked, 'main']);
  expect(await landing()).toMatchObject({ ok: true, folder: linked });
  expect(ground.operator(['status', '--porcelain'], linked)).toBe('');
  expect(readFileSync(join(linked, 'new', 'c.txt'), 'utf8')).toBe('three\n');
});

test('a branch that is being rebased waits', async () => {
  ground.commit({ 'a.txt': 'conflict\n' });
  expect(() => ground.operator(['rebase', '-q', 'work'])).toThrow();
  const moved = ground.operator(['rev-parse', 'main']);
  const onMoved = ground.operator(['commit-tree', `${next}^{tree}`, '-p', moved, '-m', 'x']);
  const answer = await repository.land({ commit: onMoved, expected: moved, message: 'x' });
  expect(answer).toMatchObject({ code: 'working-tree-busy', folder: ground.host });
});

test('what does not descend is refused', async () => {
  const other = ground.operator(['commit-tree', `${next}^{tree}`, '-m', 'unrelated']);
  expect(await repository.land({ commit: other, expected: base, message: 'x' })).toMatchObject({
    code: 'not-fast-forward',
  });
});

describe('the process dies', () => {
  const script = fileURLToPath(new URL('./testing/land-and-die.ts', import.meta.url));
  const dieAfter = async (step: LandingStep): Promise<void> => {
    const child = spawn(process.execPath, [script, ground.host, ground.root, next, base, step], {
      stdio: 'inherit',
    });
    const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
    expect(signal).toBe('SIGKILL');
  };

  test.each<[LandingStep, 'nothing' | 'undone' | 'finished']>([
    ['objects', 'nothing'],
    ['locked', 'undone'],
    ['intended', 'undone'],
    ['moved', 'finished'],
    ['written', 'finished'],
    ['indexed', 'finished'],
  ])('after "%s": the next start finds it %s, and nothing is half done', async (step, recovered) => {
    await dieAfter(step);
    if (step !== 'objects') expect(() => ground.operator(['add', 'a.txt'])).toThrow(/index\.lock/);
    repository = await ground.open();
    expect(await repository.recoverLanding()).toEqual({ ok: true, recovered });
    expect(ground.operator(['rev-parse', 'main'])).toBe(recovered === 'finished' ? next : base);
    expect(ground.operator(['status', '--porcelain'])).toBe('');
    expect(existsSync(lock())).toBe(false);
    expect(await landing()).toMatchObject({ ok: true, repeated: recovered === 'finished' });
    expect(ground.operator(['status', '--porcelain'])).toBe('');
    expect(ground.operator(['diff', next, '--stat'])).toBe('');
    expect(existsSync(join(ground.host, 'gone'))).toBe(false);
  });

  test('in the middle of writing files: whole files and broken-off ones are ended, what the operator changed stays', async () => {
    await dieAfter('moved');
    rmSync(join(ground.host, 'gone'), { recursive: true });
    ground.write('a.txt', 'one\nmo');
    ground.write('new/c.txt', 'the operator wrote this\n');
    ground.write('kept.txt', 'and this\n');
    repository = await ground.open();
    expect(await repository.recoverLanding()).toEqual({ ok: true, recovered: 'finished' });
    expect(readFileSync(join(ground.host, 'a.txt'), 'utf8')).toBe('one\nmore\n');
    expect(ground.operator(['status', '--porcelain'])).toBe(' M kept.txt\n M new/c.txt');
    expect(readFileSync(join(ground.host, 'new', 'c.txt'), 'utf8')).toBe('the operator wrote this\n');
  });

  test('a lock of another git is not taken away', async () => {
    await dieAfter('moved');
    writeFileSync(lock(), 'a stranger');
    repository = await ground.open();
    expect(await repository.recoverLanding()).toMatchObject({ code: 'working-tree-busy' });
    expect(readFileSync(lock(), 'utf8')).toBe('a stranger');
    rmSync(lock());
    expect(await repository.recoverLanding()).toEqual({ ok: true, recovered: 'finished' });
    expect(ground.operator(['status', '--porcelain'])).toBe('');
  });
});
