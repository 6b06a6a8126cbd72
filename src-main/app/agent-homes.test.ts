import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { createSandbox } from '../services/sandbox/index.ts';
import { layHome, readLogins } from './agent-homes.ts';

const root = resolve(import.meta.dirname, '../..');

test('of a lasting home that agents can write, a run is given plain files that are logins, and nothing that they lead to', async () => {
  const around = mkdtempSync(join(tmpdir(), 'atrium-homes-'));
  const sandbox = createSandbox({
    nodePath: join(root, 'node_modules/node/bin/node'),
    forwarderPath: join(root, 'out/native/forwarder'),
    proberPath: join(root, 'resources/run/prober.mjs'),
    landlockPath: join(root, 'out/native/landlock'),
    stateDir: join(around, 'state'),
  });
  const identity = process.getuid?.() === 0 ? { uid: 51_235, gid: 51_235 } : null;
  const home = join(around, 'home');
  try {
    layHome(home, [{ path: '.agent/login.json', content: '{"token":"of this brand"}\n' }], identity);
    const outside = join(around, 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'login.json'), 'of somebody else');
    symlinkSync(join(outside, 'login.json'), join(home, 'linked.json'));
    symlinkSync(outside, join(home, 'folder'));
    writeFileSync(join(home, 'long.json'), 'x'.repeat(300 * 1024), { mode: 0o644 });
    mkdirSync(join(home, 'directory.json'));
    const named = [
      '.agent/login.json',
      'linked.json',
      'folder/login.json',
      'long.json',
      'directory.json',
      'gone',
    ];
    const limits = { memoryMb: 256, processes: 64, temporaryMb: 16 };
    const logins = await readLogins(sandbox, home, named, { name: 'logins', limits, identity });
    expect(logins).toEqual([{ path: '.agent/login.json', content: '{"token":"of this brand"}\n' }]);
    expect(
      await readLogins(sandbox, join(around, 'none'), named, { name: 'none', limits, identity }),
    ).toEqual([]);
  } finally {
    await sandbox.close();
    rmSync(around, { recursive: true, force: true });
  }
});
