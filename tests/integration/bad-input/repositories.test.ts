import { mkdir, rename, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDesk, SHELL_CHECKS } from '../../support/desk.ts';
import type { AddedBrand, Desk } from '../../support/desk.ts';
import { git, makeShellRepository, read, write } from '../../support/fixture-repository.ts';
import { expectActionable } from '../../support/told.ts';

let desk: Desk;
let around: string;
beforeAll(async () => {
  desk = await openDesk({});
  around = desk.workspace.around;
});
afterAll(() => desk.remove());

const add = (id: string, repository: string, ...args: string[]): string[] => [
  'brand',
  'add',
  id,
  '--name',
  id,
  `--repository=${repository}`,
  ...SHELL_CHECKS,
  ...args,
  '--yes',
];

describe('a folder that cannot be a repository of a brand is refused, and nothing is added', () => {
  test.each<[string, string, (folder: string) => Promise<unknown>, string, RegExp]>([
    ['not there', 'nowhere', () => Promise.resolve(), 'repository-unusable', /nowhere/],
    ['a file', 'file', (folder) => writeFile(folder, 'text'), 'repository-unusable', /file/],
    ['a folder without git', 'plain', (folder) => mkdir(folder), 'not-a-repository', /plain/],
    [
      'a repository without a commit',
      'empty',
      async (folder) => {
        await mkdir(folder);
        await git(folder, 'init', '-q', '-b', 'main');
      },
      'repository-unusable',
      /empty.*commit|commit.*empty/,
    ],
    [
      'a detached head',
      'detached',
      async (folder) => {
        await makeShellRepository(folder);
        await git(folder, 'checkout', '-q', '--detach');
      },
      'repository-unusable',
      /detached.*branch|branch.*detached/,
    ],
    [
      'a bare repository',
      'bare.git',
      async (folder) => {
        await mkdir(folder);
        await git(folder, 'init', '-q', '--bare');
      },
      'repository-unusable',
      /bare\.git/,
    ],
    [
      'a folder inside a repository',
      'outer/inner',
      async (folder) => {
        await makeShellRepository(path.dirname(folder));
        await mkdir(folder);
      },
      'repository-unusable',
      /inner/,
    ],
    [
      'a link to nowhere',
      'link',
      (folder) => symlink('/does/not/exist', folder),
      'repository-unusable',
      /link/,
    ],
  ])('%s', async (_what, name, make, code, message) => {
    const folder = path.join(around, name);
    await make(folder);
    const refused = await desk.refused(add('bad', folder));
    expect(refused).toMatchObject({
      code: 1,
      error: { code, message: expect.stringMatching(message) as string },
    });
    expectActionable(refused.error);
    expect(await desk.ask(['brand', 'list'])).not.toContainEqual(expect.objectContaining({ id: 'bad' }));
  });

  test.each(['Label', '9to5', 'a b', '../up', 'x'.repeat(33), ''])(
    'a brand id that is none: %j',
    async (id) => {
      const refused = await desk.refused(add(id, around));
      expect(refused).toMatchObject({ code: 1, error: { code: 'invalid-input' } });
      expectActionable(refused.error);
    },
  );

  test('without --yes nothing is added, and what was guessed is told', async () => {
    const folder = await makeShellRepository(path.join(around, 'guessed'));
    const args = add('guessed', folder).filter((arg) => arg !== '--yes');
    expect(await desk.refused(args)).toMatchObject({ code: 1, error: { code: 'checks-need-confirmation' } });
    expect(await desk.ask(['brand', 'list'])).toEqual([]);
  });
});

describe('a repository that only looks unusual is taken, and work is merged in it', () => {
  const long = path.join(
    'long',
    ...Array.from({ length: 9 }, (_, n) => `a-folder-with-a-long-name-${n}`),
    'n'.repeat(230),
  );

  test.each<[string, string, (folder: string) => Promise<unknown>]>([
    [
      'a branch of another name, and a dirty file',
      'other',
      async (folder) => {
        await git(folder, 'branch', '-m', 'main', 'trunk/next');
        await write(folder, { 'scratch.txt': 'mine\n' });
      },
    ],
    ['other scripts in its path', 'Größe-Ñandú-日本語-🎵', () => Promise.resolve()],
    [
      'a dash first, blanks, quotes, dollars, a line break',
      `-rf it's "$HOME" & \`co\`\nend`,
      () => Promise.resolve(),
    ],
    ['a long path that ends in a long name', long, () => Promise.resolve()],
  ])('%s', async (what, name, change) => {
    const folder = await makeShellRepository(path.join(around, name));
    await change(folder);
    const id = what.replaceAll(/[^a-z]/g, '-').slice(0, 32);
    const added = await desk.ask<AddedBrand>(add(id, folder));
    expect(added.repositories[0]).toMatchObject({ path: folder, baseline: 'green' });
    const ticket = await desk.order(id, {
      title: 'A line',
      paths: ['notes.txt'],
      command: 'echo two >> notes.txt',
    });
    expect(await desk.untilState(ticket.id, 'merged')).toMatchObject({ state: 'merged' });
    expect(await read(folder, 'notes.txt')).toBe('one\ntwo\n');
    if (name === 'other') expect(await read(folder, 'scratch.txt')).toBe('mine\n');
  });

  test('nobody has told git a name: the merge has an author all the same', async () => {
    const folder = await makeShellRepository(path.join(around, 'nameless'));
    await git(folder, 'config', 'user.useConfigOnly', 'true');
    await desk.ask(add('nameless', folder));
    const ticket = await desk.order('nameless', {
      title: 'Named',
      paths: ['notes.txt'],
      command: 'echo two >> notes.txt',
    });
    expect(await desk.untilState(ticket.id, 'merged')).toMatchObject({ state: 'merged' });
    expect(await git(folder, 'log', '-1', '--format=%an <%ae>', 'main')).toMatch(/^\S.* <\S+>$/);
  });

  test('a folder that vanished after it was added: its tickets wait and say so, other brands go on', async () => {
    const folder = await makeShellRepository(path.join(around, 'vanishing'));
    const other = await makeShellRepository(path.join(around, 'staying'));
    await desk.ask(add('vanishing', folder));
    await desk.ask(add('staying', other));
    await rename(folder, `${folder}.moved`);
    const lost = await desk.order('vanishing', {
      title: 'Lost',
      paths: ['notes.txt'],
      command: 'echo two >> notes.txt',
    });
    const fine = await desk.order('staying', {
      title: 'Fine',
      paths: ['notes.txt'],
      command: 'echo two >> notes.txt',
    });
    const started = await desk.dispatch();
    expect((await desk.show(fine.id)).state).toBe('merged');
    const waits = await desk.show(lost.id);
    expect(waits.state).toBe('ready');
    expect(waits.reason).toContain(folder);
    expect(started.phases[0]?.reason).toContain(folder);
    await rename(`${folder}.moved`, folder);
    const { merged } = await desk.dispatch();
    const reasons = (await desk.show(lost.id)).attemptList.map(({ reason }) => reason);
    expect([merged, reasons]).toEqual([[lost.id], ['merged']]);
  });
});
