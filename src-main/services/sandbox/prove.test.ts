import { chmodSync, chownSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { homedir, networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { LaunchPlan } from './arguments.ts';
import type { CanaryReport, SandboxProfile } from './profile.ts';
import { type Fixture, openFixture, RUN_USER, serveOnSocket, without } from './sandbox-fixture.ts';

const unexpected = (report: CanaryReport): string[] =>
  report.canaries
    .filter((canary) => canary.denied !== (canary.expected === 'denied'))
    .map((canary) => canary.name);

describe('a whole room', () => {
  test('every canary goes as it should, with and without a socket', async () => {
    const fixture = openFixture();
    const server = await serveOnSocket(join(fixture.root, 'core.sock'), '');
    try {
      const reading = fixture.folder('reading');
      const profile = fixture.profile({
        socket: { source: join(fixture.root, 'core.sock') },
        mounts: [
          { kind: 'bind', source: fixture.work, target: '/work', access: 'write' },
          { kind: 'bind', source: reading, target: '/opt/atrium/base', access: 'read' },
          { kind: 'tmpfs', target: '/scratch', sizeMb: 1 },
        ],
      });
      const report = await fixture.sandbox.prove(profile);
      expect(report.canaries.filter((canary) => canary.detail.startsWith('did not run'))).toEqual([]);
      expect(unexpected(report)).toEqual([]);
      expect(report.ok).toBe(true);
      expect(report.canaries.map(({ layer, expected, name }) => `${layer}, ${expected}: ${name}`))
        .toMatchInlineSnapshot(`
        [
          "room, denied: write to /usr",
          "room, denied: write to /etc",
          "room, denied: write to /",
          "room, denied: change /proc/sys/kernel/core_pattern",
          "room, denied: change /proc/sys/kernel/hostname",
          "room, allowed: write to the writable mount /work",
          "room, denied: write to the read-only mount /opt/atrium/base",
          "room, allowed: write to the writable mount /scratch",
          "room, allowed: write to /tmp",
          "room, allowed: write to the home inside",
          "room, denied: read a secret in the core’s state",
          "room, denied: find the core’s state",
          "room, denied: find the operator’s home",
          "room, denied: reach a port of the host",
          "room, denied: reach a socket of the host",
          "room, denied: reach an abstract socket of the host",
          "room, denied: see a network interface of the host",
          "room, denied: see a process of the host",
          "room, denied: kill a process of the host",
          "room, denied: keep privilege",
          "room, denied: mount a file system",
          "room, denied: trace a process",
          "kernel, denied: read a file that is shown",
          "kernel, denied: list a folder that is shown",
          "kernel, denied: change a file that is shown",
          "kernel, denied: shorten a file that is shown",
          "kernel, denied: make a file where it is shown",
          "kernel, denied: remove a folder that is shown",
          "kernel, denied: move a file out",
          "kernel, denied: execute a file that is shown",
          "kernel, denied: read another’s environment",
          "kernel, denied: reach an abstract socket",
          "kernel, denied: signal a process that is not its own",
          "kernel, allowed: write to /work",
          "kernel, allowed: write to /scratch",
          "kernel, allowed: write to /home/agent",
        ]
      `);
      expect((await fixture.sandbox.prove({ ...profile, socket: null })).ok).toBe(true);
      expect([readdirSync(fixture.work), readdirSync(reading)]).toEqual([[], []]);
      expect(readdirSync(fixture.options.stateDir).filter((name) => name.startsWith('canary'))).toEqual([]);
    } finally {
      await new Promise((resolve) => server.close(resolve));
      await fixture.dispose();
    }
  });

  test('a writable mount that the run cannot write to is not a pass', async () => {
    const fixture = openFixture();
    try {
      chmodSync(fixture.work, 0o500);
      const report = await fixture.sandbox.prove(fixture.profile());
      expect({ ok: report.ok, unexpected: unexpected(report) }).toEqual({
        ok: false,
        unexpected: ['write to the writable mount /work', 'write to /work'],
      });
    } finally {
      chmodSync(fixture.work, 0o700);
      await fixture.dispose();
    }
  });

  test('a prober that did not run is not a pass', async () => {
    const fixture = openFixture({ plan: (plan) => ({ ...plan, command: ['/bin/true'] }) });
    try {
      const report = await fixture.sandbox.prove(fixture.profile());
      expect(report.ok).toBe(false);
      expect(report.canaries.every((canary) => canary.detail.startsWith('did not run'))).toBe(true);
    } finally {
      await fixture.dispose();
    }
  });
});

interface Breach {
  canaries: string[];
  plan?(plan: LaunchPlan, fixture: Fixture): LaunchPlan;
  profile?(fixture: Fixture): Partial<SandboxProfile>;
}

const beforeRootCloses = (plan: LaunchPlan, ...options: string[]): LaunchPlan => {
  const at = plan.options.findIndex(
    (word, index) => word === '--remount-ro' && plan.options[index + 1] === '/',
  );
  return { ...plan, options: [...plan.options.slice(0, at), ...options, ...plan.options.slice(at)] };
};
const own = (path: string): void => {
  chmodSync(path, 0o777);
  if (RUN_USER !== null) chownSync(path, RUN_USER.uid, RUN_USER.gid);
};

/** Each wall taken away by itself; the canary behind it must be seen to get through. */
const breaches: Record<string, Breach> = {
  'a writable /usr': {
    canaries: ['write to /usr'],
    plan(plan, fixture) {
      const usr = fixture.folder('usr');
      const parts = readdirSync('/usr', { withFileTypes: true }).filter((entry) => entry.isDirectory());
      for (const part of parts) mkdirSync(join(usr, part.name), { recursive: true });
      const binds = parts.flatMap(({ name }) => ['--ro-bind', `/usr/${name}`, `/usr/${name}`]);
      return {
        ...plan,
        options: plan.options
          .join('\0')
          .replace('--ro-bind\0/usr\0/usr', ['--bind', usr, '/usr', ...binds].join('\0'))
          .split('\0'),
      };
    },
  },
  'a writable /etc': {
    canaries: ['write to /etc'],
    plan(plan) {
      const at = plan.options.indexOf('/etc');
      own(plan.options[at - 1] ?? '');
      return { ...plan, options: plan.options.with(at - 2, '--bind') };
    },
  },
  'a writable root': {
    canaries: ['write to /'],
    plan: (plan) => ({
      ...plan,
      options: plan.options.join('\0').replace('--remount-ro\0/\0', '--chmod\x000777\0/\0').split('\0'),
    }),
  },
  'a writable /proc/sys': {
    canaries: ['change /proc/sys/kernel/core_pattern', 'change /proc/sys/kernel/hostname'],
    plan(plan, fixture) {
      const sys = fixture.folder('sys');
      mkdirSync(join(sys, 'kernel'), { recursive: true });
      for (const name of ['core_pattern', 'hostname']) {
        writeFileSync(join(sys, 'kernel', name), '');
        own(join(sys, 'kernel', name));
      }
      return {
        ...plan,
        options: plan.options.join('\0').replace('--ro-bind\0/proc/sys', `--bind\0${sys}`).split('\0'),
      };
    },
  },
  'a read-only mount mounted writable': {
    canaries: ['write to the read-only mount /data'],
    profile: (fixture) => ({
      mounts: [
        { kind: 'bind', source: fixture.work, target: '/work', access: 'write' },
        { kind: 'bind', source: fixture.folder('data'), target: '/data', access: 'read' },
      ],
    }),
    plan(plan) {
      const at = plan.options.indexOf('/data');
      return { ...plan, options: plan.options.with(at - 2, '--bind') };
    },
  },
  'the core’s state mounted': {
    canaries: ['read a secret in the core’s state', 'find the core’s state'],
    profile(fixture) {
      own(fixture.folder('state'));
      return {
        workdir: '/',
        mounts: [{ kind: 'bind', source: fixture.options.stateDir, target: '/leak', access: 'read' }],
      };
    },
  },
  'the operator’s home mounted': {
    canaries: ['find the operator’s home'],
    profile: () => ({
      workdir: '/',
      mounts: [{ kind: 'bind', source: homedir(), target: '/leak', access: 'read' }],
    }),
  },
  'the host’s network': {
    canaries: [
      'reach a port of the host',
      'reach an abstract socket of the host',
      ...(Object.keys(networkInterfaces()).some((name) => name !== 'lo')
        ? ['see a network interface of the host']
        : []),
    ],
    plan: (plan) => without(plan, ['--unshare-net']),
  },
  'the host’s temporary folder': {
    canaries: ['reach a socket of the host'],
    plan: (plan) => beforeRootCloses(plan, '--bind', tmpdir(), tmpdir()),
  },
  'the host’s processes': {
    canaries: ['see a process of the host', 'kill a process of the host'],
    plan: (plan) => without(plan, ['--unshare-pid']),
  },
  'no filter': {
    canaries: ['keep privilege', 'trace a process'],
    plan: (plan) => without(plan, ['--seccomp', '4']),
  },
  'no filter and root’s privilege': {
    canaries: ['keep privilege', 'mount a file system', 'trace a process', 'read another’s environment'],
    plan(plan) {
      const added = ['CAP_SETUID', 'CAP_SETGID', 'CAP_SETPCAP'].map((name) => ['--cap-add', name]);
      const open = without(plan, ['--seccomp', '4'], ['--cap-drop', 'ALL'], ...added);
      return { ...open, command: plan.command.slice(plan.command.indexOf('--') + 1) };
    },
  },
};

// The walls are taken away with root's help; an ordinary core has them in another shape.
describe.runIf(RUN_USER !== null)('a canary sees that its wall is gone', () => {
  test.each(Object.entries(breaches))('%s', async (_wall, breach) => {
    const fixture: Fixture = openFixture({
      mountsUnchecked: true,
      plan: (plan) => breach.plan?.(plan, fixture) ?? plan,
    });
    try {
      const report = await fixture.sandbox.prove(fixture.profile(breach.profile?.(fixture)));
      expect(report.ok).toBe(false);
      expect(report.canaries.filter((canary) => canary.detail.startsWith('did not run'))).toEqual([]);
      expect(unexpected(report)).toEqual(breach.canaries);
    } finally {
      await fixture.dispose();
    }
  });
});
