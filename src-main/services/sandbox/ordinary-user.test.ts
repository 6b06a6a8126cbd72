import { spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CanaryReport, RunResult, SandboxProbe } from './profile.ts';
import { inRepository, RUN_USER } from './sandbox-fixture.ts';

/** A core that is not root, in a process of its own. */
const CORE = { uid: 51_235, gid: 51_235 };

interface Seen {
  probe: SandboxProbe;
  proof: CanaryReport;
  run: Pick<RunResult, 'code'> & { stdout: string };
  hog: Pick<RunResult, 'outcome' | 'outOfMemory'>;
  refused: string;
}

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'atrium-ordinary-'));
  mkdirSync(join(root, 'work'));
  for (const path of [root, join(root, 'work')]) {
    chmodSync(path, 0o700);
    if (RUN_USER !== null) chownSync(path, CORE.uid, CORE.gid);
  }
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function asOrdinaryUser(launcherPath: string): Promise<Seen> {
  const script = `
    import { createSandbox } from ${JSON.stringify(inRepository('src-main/services/sandbox/index.ts'))};
    const sandbox = createSandbox(${JSON.stringify({
      nodePath: inRepository('node_modules/node/bin/node'),
      forwarderPath: inRepository('out/native/forwarder'),
      proberPath: inRepository('resources/run/prober.mjs'),
      landlockPath: inRepository('out/native/landlock'),
      stateDir: join(root, 'state'),
      watchIntervalMs: 20,
      launcherPath,
    })});
    const profile = {
      name: 'ordinary', workdir: '/work', environment: {}, socket: null, identity: null,
      mounts: [{ kind: 'bind', source: ${JSON.stringify(join(root, 'work'))}, target: '/work', access: 'write' }],
      limits: { memoryMb: 150, processes: 64, temporaryMb: 16 },
      kernel: { read: [], write: ['/work', '/home/agent'], ports: [], required: true },
    };
    const options = { timeoutMs: 60000, maxOutputBytes: 65536 };
    const probe = await sandbox.probe();
    const seen = { probe };
    if (probe.available) {
      seen.proof = await sandbox.prove(profile);
      const run = await sandbox.run(profile, ['/bin/sh', '-c', 'id -u; touch made; unshare -Ur true || echo walled; cat /proc/1/environ; cat /proc/[0-9]*/environ | grep -ac must-not-pass'], options);
      seen.run = { code: run.code, stdout: run.stdout.toString() };
      const hog = await sandbox.run(profile, ['/opt/node/bin/node', '-e', 'const kept = []; setInterval(() => kept.push(Buffer.alloc(4e6, 1)), 1)'], options);
      seen.hog = { outcome: hog.outcome, outOfMemory: hog.outOfMemory };
      seen.refused = await sandbox.run({ ...profile, identity: { uid: 5, gid: 5 } }, ['/bin/true'], options).then(() => 'ran', (error) => error.code);
    }
    await sandbox.close();
    process.stdout.write(JSON.stringify(seen));
  `;
  const file = join(root, 'core.ts');
  writeFileSync(file, script, { mode: 0o644 });
  const core = spawn(inRepository('node_modules/node/bin/node'), [file], {
    ...(RUN_USER === null ? {} : CORE),
    cwd: root,
    env: { HOME: root, ATRIUM_TEST_SECRET: 'must-not-pass' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  core.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  await new Promise((resolve) => core.once('close', resolve));
  return JSON.parse(output) as Seen;
}

describe('a core that is an ordinary user', () => {
  test('walls its runs in with a user namespace, and every canary goes as it should', async () => {
    const seen = await asOrdinaryUser('/usr/bin/bwrap');
    expect(seen.probe).toMatchObject({ available: true, mode: 'user-namespace' });
    expect(seen.proof.canaries.filter((canary) => canary.denied !== (canary.expected === 'denied'))).toEqual(
      [],
    );
    expect(seen.proof.ok).toBe(true);
    expect(seen.run).toEqual({ code: 1, stdout: '1000\nwalled\n0\n' });
    expect(seen.hog).toEqual({ outcome: 'killed', outOfMemory: true });
    expect(seen.refused).toBe('identity-refused');
  });

  test.runIf(RUN_USER !== null)('is told when user namespaces are switched off', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'atrium-launcher-'));
    try {
      chmodSync(folder, 0o755);
      const launcher = join(folder, 'bwrap');
      const refusal = 'bwrap: setting up uid map: Permission denied';
      writeFileSync(
        launcher,
        `#!/bin/sh\n[ "$1" = --version ] && echo bubblewrap 0.8.0 && exit\necho "${refusal}" >&2; exit 1\n`,
      );
      chmodSync(launcher, 0o755);
      const { probe } = await asOrdinaryUser(launcher);
      expect(probe).toMatchObject({
        available: false,
        code: 'user-namespaces-off',
        hint: expect.stringContaining('max_user_namespaces') as string,
      });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
