import { chmodSync, chownSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type Fixture, openFixture, RUN_USER } from './sandbox-fixture.ts';

const opened: Fixture[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((fixture) => fixture.dispose()));
});

function withLauncher(make: (folder: string) => string): Fixture {
  const place = openFixture();
  const folder = join(place.root, 'launcher');
  mkdirSync(folder, { mode: 0o755 });
  const fixture = openFixture({ launcherPath: make(folder) });
  opened.push(place, fixture);
  return fixture;
}

function script(folder: string, text: string): string {
  const path = join(folder, 'bwrap');
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
  return path;
}

const isRoot = RUN_USER !== null;

describe('which launcher is trusted', () => {
  test('a missing one is reported with what to install, and nothing is launched', async () => {
    const fixture = withLauncher((folder) => join(folder, 'nothing'));
    expect(await fixture.sandbox.probe()).toMatchObject({
      available: false,
      code: 'launcher-missing',
      hint: expect.stringContaining('bubblewrap') as string,
    });
    await expect(fixture.run('true')).rejects.toMatchObject({ code: 'launcher-missing' });
  });

  test('a relative path is refused', async () => {
    expect(await withLauncher(() => 'bwrap').sandbox.probe()).toMatchObject({ code: 'launcher-untrusted' });
  });

  test.runIf(isRoot).each<[string, (folder: string) => string]>([
    [
      'writable by others',
      (folder) => (
        copyFileSync('/usr/bin/bwrap', join(folder, 'bwrap')),
        chmodSync(join(folder, 'bwrap'), 0o757),
        join(folder, 'bwrap')
      ),
    ],
    [
      'owned by somebody else',
      (folder) => (
        copyFileSync('/usr/bin/bwrap', join(folder, 'bwrap')),
        chownSync(join(folder, 'bwrap'), 1234, 0),
        join(folder, 'bwrap')
      ),
    ],
    [
      'in a folder that others can change',
      (folder) => (
        copyFileSync('/usr/bin/bwrap', join(folder, 'bwrap')),
        chmodSync(folder, 0o777),
        join(folder, 'bwrap')
      ),
    ],
    [
      'a link to one writable by others',
      (folder) => (
        copyFileSync('/usr/bin/bwrap', join(folder, 'real')),
        chmodSync(join(folder, 'real'), 0o777),
        symlinkSync('real', join(folder, 'bwrap')),
        join(folder, 'bwrap')
      ),
    ],
  ])('one that is %s is refused', async (_which, make) => {
    const fixture = withLauncher(make);
    expect(await fixture.sandbox.probe()).toMatchObject({ available: false, code: 'launcher-untrusted' });
    await expect(fixture.run('true')).rejects.toMatchObject({ code: 'launcher-untrusted' });
  });

  test.runIf(isRoot)('an old one is named with its version', async () => {
    const fixture = withLauncher((folder) => script(folder, 'echo bubblewrap 0.4.1'));
    expect(await fixture.sandbox.probe()).toMatchObject({
      code: 'launcher-too-old',
      message: expect.stringContaining('0.4.1') as string,
    });
  });

  test.runIf(isRoot)('one that may not make namespaces is told from one that fails otherwise', async () => {
    const noNamespace = withLauncher((folder) =>
      script(
        folder,
        '[ "$1" = --version ] && echo bubblewrap 0.8.0 && exit; echo "bwrap: Creating new namespace failed: Operation not permitted" >&2; exit 1',
      ),
    );
    expect(await noNamespace.sandbox.probe()).toMatchObject({ code: 'privilege-missing' });
    const broken = withLauncher((folder) =>
      script(folder, '[ "$1" = --version ] && echo bubblewrap 0.8.0 && exit; echo "out of luck" >&2; exit 1'),
    );
    expect(await broken.sandbox.probe()).toMatchObject({
      code: 'launch-failed',
      message: expect.stringContaining('out of luck') as string,
    });
  });

  test('a fake one earlier on PATH changes nothing', async () => {
    const fixture = openFixture();
    opened.push(fixture);
    const folder = join(fixture.root, 'bin');
    mkdirSync(folder);
    script(folder, 'echo fake; exit 0');
    const before = process.env.PATH;
    process.env.PATH = `${folder}${delimiter}${before ?? ''}`;
    try {
      expect(await fixture.sandbox.probe()).toMatchObject({
        available: true,
        launcher: { path: '/usr/bin/bwrap' },
      });
      expect((await fixture.run('hostname')).stdout.toString().trim()).toBe('atrium');
    } finally {
      process.env.PATH = before;
    }
  });
});
