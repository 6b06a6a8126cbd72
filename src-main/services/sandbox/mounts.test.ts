import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Mount } from './profile.ts';
import { openFixture, RUN_USER } from './sandbox-fixture.ts';

const fixture = openFixture();
const outside = join(fixture.root, 'outside');
beforeAll(() => {
  mkdirSync(outside);
  mkdirSync(join(fixture.work, 'deep', 'folder'), { recursive: true });
  symlinkSync(outside, join(fixture.work, 'planted'));
  symlinkSync(fixture.work, join(fixture.root, 'link-to-work'));
  writeFileSync(join(fixture.work, 'file'), '');
});
afterAll(() => fixture.dispose());

const work: Mount = { kind: 'bind', source: fixture.work, target: '/work', access: 'write' };
const bind = (source: string, target: string): Mount => ({ kind: 'bind', source, target, access: 'read' });
const tmpfs = (target: string): Mount => ({ kind: 'tmpfs', target, sizeMb: 1 });

describe('what is refused before anything is started', () => {
  test.each<[reason: string, mounts: Mount[]]>([
    ['a mount point that an agent made a link of', [work, tmpfs('/work/planted')]],
    ['a mount point below such a link', [work, tmpfs('/work/planted/made-outside')]],
    ['a source that is a link', [bind(join(fixture.root, 'link-to-work'), '/data')]],
    ['a source below a link', [bind(join(fixture.root, 'link-to-work', 'deep'), '/data')]],
    ['a source that is not there', [bind(join(fixture.root, 'nowhere'), '/data')]],
    ['a mount point that is not there', [work, tmpfs('/work/missing')]],
    ['a folder over a file', [work, tmpfs('/work/file')]],
    ['a device', [bind('/dev/null', '/data')]],
    ['a path with dots', [bind(`${fixture.root}/work/../work`, '/data')]],
    ['a relative target', [tmpfs('data')]],
    ['the system’s own places', [tmpfs('/usr/local')]],
    ['the place of the run’s socket', [tmpfs('/run/atrium')]],
    ['the whole root', [tmpfs('/')]],
    ['a mount that hides an earlier one', [tmpfs('/data/inner'), tmpfs('/data')]],
    ['the core’s state', [bind(fixture.options.stateDir, '/data')]],
    ['what holds the core’s state', [bind(fixture.root, '/data')]],
  ])('%s', async (reason, mounts) => {
    await expect(fixture.run('true', { mounts, workdir: '/' })).rejects.toMatchObject({
      code: 'mount-refused',
    });
    if (/\blink\b/.test(reason))
      await expect(fixture.run('true', { mounts, workdir: '/' })).rejects.toThrow(/symbolic link/);
    expect(readdirSync(outside)).toEqual([]);
  });

  test('a socket that is none, or that the run’s user could not use', async () => {
    const plain = join(fixture.work, 'file');
    await expect(fixture.run('true', { socket: { source: plain } })).rejects.toMatchObject({
      code: 'mount-refused',
    });
    if (RUN_USER === null) return;
    const path = join(fixture.root, 'roots.sock');
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(path, resolve));
    await expect(fixture.run('true', { socket: { source: path } })).rejects.toThrow(/not writable for user/);
    await new Promise((resolve) => server.close(resolve));
  });
});

test('without that look, a planted link makes the launcher write to the host', async () => {
  const trusting = openFixture({ mountsUnchecked: true });
  try {
    const target = join(trusting.root, 'outside');
    mkdirSync(target, { mode: 0o777 });
    // Where the launcher has the host's root while it makes mount points.
    symlinkSync(`/oldroot${target}`, join(trusting.work, 'planted'));
    const mounts: Mount[] = [{ ...work, source: trusting.work }, tmpfs('/work/planted/made-outside')];
    await trusting.run('true', { mounts }).catch(() => undefined);
    const probe = await trusting.sandbox.probe();
    const [major = 0, minor = 0] = probe.available ? probe.launcher.version.split('.').map(Number) : [];
    const looksItself = major > 0 || minor >= 12;
    expect(readdirSync(target)).toEqual(looksItself ? [] : ['made-outside']);
  } finally {
    await trusting.dispose();
  }
});

test('mounts may sit inside each other where their mount points exist', async () => {
  const result = await fixture.run(
    'echo x > /work/deep/folder/x; ls /work/deep/folder /home/agent/.config/tool; echo y > /home/agent/.config/y && echo ok',
    {
      mounts: [work, tmpfs('/work/deep/folder'), bind(outside, '/home/agent/.config/tool')],
    },
  );
  expect(result.stdout.toString()).toContain('ok');
  expect(readdirSync(join(fixture.work, 'deep', 'folder'))).toEqual([]);
});

describe('profiles that are refused', () => {
  test.each([
    ['variables for the loader', { environment: { LD_PRELOAD: '/work/x.so' } }, 'profile-refused'],
    ['variables with an equals sign', { environment: { 'A=B': 'c' } }, 'profile-refused'],
    ['limits of nothing', { limits: { memoryMb: 0, processes: 1, temporaryMb: 1 } }, 'profile-refused'],
    ['a relative workdir', { workdir: 'work' }, 'profile-refused'],
    ['becoming root', { identity: { uid: 0, gid: 0 } }, 'identity-refused'],
    ...(RUN_USER === null ? [] : [['staying root', { identity: null }, 'identity-refused'] as const]),
  ] as const)('%s', async (_reason, changes, code) => {
    await expect(fixture.run('true', changes)).rejects.toMatchObject({ code });
  });
});
