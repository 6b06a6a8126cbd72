import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { appRoot } from '../../support/doors.ts';
import { openDesk, SHELL_CHECKS } from '../../support/desk.ts';
import type { Desk, Told } from '../../support/desk.ts';
import { makeShellRepository, run, writeProgram } from '../../support/fixture-repository.ts';
import { expectActionable } from '../../support/told.ts';

const node = path.join(appRoot, 'node_modules/node/bin/node');
const core = path.join(appRoot, 'out/main/core.js');
const cli = path.join(appRoot, 'out/main/cli.js');
/** A mount namespace of its own, in which a machine can lack something without this one lacking it. */
const APART = process.getuid?.() === 0 ? ['-m'] : ['-Urm'];

let desk: Desk;
let repository: string;
beforeAll(async () => {
  desk = await openDesk({});
  repository = await makeShellRepository(path.join(desk.workspace.around, 'shop'));
  await desk.addBrand('shop', repository, ...SHELL_CHECKS);
  await desk.stopCore();
});
afterAll(() => desk.remove());

/** Starts the workspace's core on a machine that a shell line has changed; gives back what ends it. */
async function coreOn(change: string): Promise<() => Promise<void>> {
  await desk.stopCore();
  const script = `${change} && exec "$0" "$1" --workspace "$2"`;
  const child = spawn('unshare', [...APART, 'sh', '-c', script, node, core, desk.workspace.path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  expect(JSON.parse(line)).toMatchObject({ ready: true });
  return async () => {
    child.kill('SIGTERM');
    await ended;
  };
}

/** An approved ticket waits and says why while the machine lacks something, and is merged on a machine that has it. */
async function waitsFor(change: string, title: string, reason: RegExp): Promise<void> {
  const end = await coreOn(change);
  let id = '';
  try {
    ({ id } = await desk.order('shop', { title, paths: [`${title}.txt`], command: `echo x > ${title}.txt` }));
    const started = await desk.start();
    expect(started.phases[7]).toMatchObject({
      outcome: 'waiting',
      reason: expect.stringMatching(reason) as string,
    });
    expect(started.phases.map((phase) => phase.runs)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0]);
    const waiting = await desk.show(id);
    expect(waiting).toMatchObject({
      state: 'ready',
      attempts: 0,
      reason: expect.stringMatching(reason) as string,
    });
    expect(waiting.reason).not.toMatch(/\n|undefined/);
    expect((await desk.run(['doctor', '--grade'])).code).toBe(1);
  } finally {
    await end();
  }
  await desk.dispatch();
  expect((await desk.show(id)).state).toBe('merged');
}

/** Without git a brand is closed with what is wrong and what to install; on a machine that has it everything is there again. */
async function isClosedBy(change: string, message: RegExp): Promise<void> {
  const before = await desk.ask(['ticket', 'list']);
  const end = await coreOn(change);
  try {
    const [brand] = await desk.ask<{ state: string; error?: string }[]>(['brand', 'list']);
    expect(brand).toMatchObject({ state: 'closed', error: expect.stringMatching(message) as string });
    for (const args of [
      ['ticket', 'draft', '--brand', 'shop', '--file', '-'],
      ['brand', 'add', 'more', '--name', 'More', '--repository', repository, '--yes'],
    ]) {
      const refused = await desk.refused(args, 'title: Never\n');
      expect(refused).toMatchObject({
        code: 1,
        error: { message: expect.stringMatching(message) as string },
      });
      expect(refused.error.hint).toMatch(/Install git \d/);
      expectActionable(refused.error);
    }
  } finally {
    await end();
  }
  expect(await desk.ask(['ticket', 'list'])).toEqual(before);
}

describe('a machine that lacks something: nothing is started, nothing is lost, and it says what to install', () => {
  test('[B4] no bubblewrap', () =>
    waitsFor('mount --bind /dev/null /usr/bin/bwrap', 'no-launcher', /bwrap|bubblewrap/));

  // A kernel without user namespaces cannot be had inside a namespace: a launcher that is refused by one stands in for it.
  test('[B4] user namespaces are switched off', async () => {
    const refused = await writeProgram(
      path.join(desk.workspace.around, 'bwrap'),
      '#!/bin/sh\n[ "$1" = --version ] && { echo "bubblewrap 0.8.0"; exit 0; }\necho "bwrap: No permissions to create new namespace, likely because the kernel does not allow non-privileged user namespaces." >&2\nexit 1\n',
    );
    await waitsFor(`mount --bind '${refused}' /usr/bin/bwrap`, 'no-namespaces', /namespace/);
  });

  test('no git: the brand is closed', () =>
    isClosedBy('mount --bind /dev/null /usr/bin/git', /git could not be run at \/usr\/bin\/git/));

  test('a git that is too old: the brand is closed', async () => {
    const old = await writeProgram(
      path.join(desk.workspace.around, 'old-git'),
      '#!/bin/sh\nfor each; do [ "$each" = version ] && echo "git version 2.20.1" && exit 0; done\nexit 129\n',
    );
    await isClosedBy(`mount --bind '${old}' /usr/bin/git`, /git 2\.20\.1 at \/usr\/bin\/git is older than/);
  });

  test('a brand can be added without a sandbox: its checks have not run, and it says so', async () => {
    const other = await makeShellRepository(path.join(desk.workspace.around, 'other'));
    const end = await coreOn('mount --bind /dev/null /usr/bin/bwrap');
    try {
      const added = await desk.addBrand('other', other, ...SHELL_CHECKS);
      expect(added.repositories[0]).toMatchObject({
        baseline: 'none',
        detail: expect.stringMatching(/have not run yet: .*bubblewrap/i) as string,
      });
    } finally {
      await end();
    }
  });
});

/** Runs a shell script in a mount namespace of its own, with `$atrium` as the CLI and `$disk` a folder to mount something on. */
async function apart(script: string): Promise<string[]> {
  const disk = path.join(desk.workspace.around, 'disk');
  await mkdir(disk, { recursive: true });
  const whole = `disk='${disk}'; atrium() { '${node}' '${cli}' --json "$@"; echo "exit $?"; }; cd /; ${script}`;
  const { output } = await run(desk.workspace.around, 'unshare', ...APART, 'sh', '-c', whole);
  return output.split('\n').filter((line) => line !== '');
}

describe('a disk that does not serve', () => {
  test('read-only: exit 3, and what to do', async () => {
    const [made, , told, code] = await apart(
      'mount -t tmpfs none "$disk"; atrium init "$disk/w"; mount -o remount,ro "$disk"; atrium --workspace "$disk/w" ticket list',
    );
    expect(made).toContain('"brands":[]');
    expect(code).toBe('exit 3');
    const { error } = JSON.parse(told ?? '') as Told;
    expect(error.code).toBe('workspace-unusable');
    expectActionable(error);
  });

  test('where no folder can be made, init says so', async () => {
    const lines = await apart(
      'mount -t tmpfs -o ro none "$disk"; atrium init "$disk/a/w"; atrium init /proc/w; atrium init "$(printf %0300d 0)"',
    );
    expect(lines).toHaveLength(6);
    for (const [n, line] of lines.entries()) {
      if (n % 2 === 1) {
        expect(line).toBe('exit 1');
        continue;
      }
      const { error } = JSON.parse(line) as Told;
      expect(error.code).toBe('disk');
      expectActionable(error);
    }
  });

  test('full: a draft is refused with what to do, what was there stays, and with room again it goes on', async () => {
    const add = `add shop --name Shop --repository '${repository}' --test none --setup none --lint none --yes`;
    const lines = await apart(
      [
        'mount -t tmpfs -o size=6m none "$disk"',
        'atrium init "$disk/w" > /dev/null',
        'export ATRIUM_WORKSPACE="$disk/w"',
        `atrium brand ${add} > /dev/null`,
        'draft() { echo "{title: $1, command: touch x}" | atrium ticket draft --brand shop --file - | cut -c1-400; }',
        'draft first > /dev/null',
        'cat /dev/zero > "$disk/filler" 2> /dev/null',
        'draft second',
        'rm "$disk/filler"',
        'draft third > /dev/null',
        'atrium ticket list',
        'atrium core stop > /dev/null',
      ].join('; '),
    );
    const [told, code, list] = lines;
    expect(code).toBe('exit 1');
    const { error } = JSON.parse(told ?? '') as Told;
    expect(error.code).toBe('disk');
    expectActionable(error);
    const titles = (JSON.parse(list ?? '[]') as { title: string }[]).map((ticket) => ticket.title);
    expect(titles).toEqual(['first', 'third']);
  });

  test('vanished under a running core: the next command is exit 3, and the core ends by itself', async () => {
    const other = await openDesk({ name: 'vanishing' });
    try {
      await other.ask(['ticket', 'list']);
      await rm(other.workspace.path, { recursive: true });
      const refused = await other.refused(['ticket', 'list']);
      expect(refused).toMatchObject({ code: 3, error: { code: 'workspace-unusable' } });
      expectActionable(refused.error);
    } finally {
      await other.remove();
    }
  });
});

test('a port that is taken is named, and the core goes on', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { port } = server.address() as AddressInfo;
    const refused = await desk.refused(['serve', '--no-open', '--port', String(port)]);
    expect(refused.error.message).toContain(String(port));
    expectActionable(refused.error);
    expect(await desk.ask(['ticket', 'list', '--brand', 'shop'])).toBeInstanceOf(Array);
    expect(await readFile(path.join(desk.workspace.path, 'workspace.yaml'), 'utf8')).toContain('name');
  } finally {
    server.close();
  }
});
