import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { kernelLayerAt, landlockArguments, SEALED_ABI } from './kernel-layer.ts';
import { type Fixture, inRepository, openFixture, serveOnSocket } from './sandbox-fixture.ts';

const launcher = inRepository('out/native/landlock');
const fixture: Fixture = openFixture();
afterAll(() => fixture.dispose());

const SYSTEM = ['/usr', '/etc', '/proc', '/dev'].flatMap((path) => ['--read', path]);
const start = (args: string[], env: NodeJS.ProcessEnv = {}): { code: number | null; said: string } => {
  const { status, stdout, stderr } = spawnSync(launcher, args, { env, encoding: 'utf8' });
  return { code: status, said: `${stdout}${stderr}`.trim() };
};
const shell = (script: string): string[] => ['--', '/bin/sh', '-c', script];

/** Answers for the kernel: as one that has this Landlock, 0 for none. Compiled once a version. */
function olderKernel(abi: number): NodeJS.ProcessEnv {
  const source = join(fixture.root, `older-${abi}.c`);
  writeFileSync(
    source,
    `#define _GNU_SOURCE
     #include <dlfcn.h>
     #include <errno.h>
     #include <stddef.h>
     long syscall(long number, long a, long b, long c, long d, long e, long f) {
       static long (*real)(long, ...);
       if (!real) real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
       if (number == 444 && ${abi} == 0) { errno = ENOSYS; return -1; }
       if (number == 444 && a == 0) return ${abi};
       if (number == 444) {
         const unsigned long *rights = (const unsigned long *)a;
         const unsigned long files = ${abi} < 2 ? 0x1fff : ${abi} < 3 ? 0x3fff : ${abi} < 5 ? 0x7fff : 0xffff;
         if (rights[0] & ~files || (unsigned long)b > (${abi} < 4 ? 8 : ${abi} < 6 ? 16 : 24)) { errno = EINVAL; return -1; }
       }
       return real(number, a, b, c, d, e, f);
     }`,
  );
  const library = source.replace(/c$/, 'so');
  execFileSync('cc', ['-shared', '-fPIC', '-o', library, source, '-ldl']);
  return { LD_PRELOAD: library };
}

describe('the launcher by itself', () => {
  test('what is not named is denied: trees, ports, everything but TCP', () => {
    const open = join(fixture.root, 'open');
    const closed = join(fixture.root, 'closed');
    mkdirSync(open);
    mkdirSync(closed);
    writeFileSync(join(closed, 'secret'), 'secret');
    const { code, said } = start([
      ...SYSTEM,
      ...['--write', open, '--read', '/opt'],
      ...shell(
        `echo made > ${open}/a && cat ${open}/a; cat ${closed}/secret; ls ${closed}; true > ${closed}/secret; mv ${closed}/secret ${open}/; ln ${closed}/secret ${open}/b; grep NoNewPrivs /proc/self/status`,
      ),
    ]);
    expect(code).toBe(0);
    expect(said.match(/Permission denied|cross-device/g)).toHaveLength(5);
    expect(said).toMatch(/^made$/m);
    expect(said).toMatch(/NoNewPrivs:\s+1/);
    expect(readFileSync(join(closed, 'secret'), 'utf8')).toBe('secret');
  });

  test.each<[string, string[], string]>([
    ['nothing', [], 'there is no command: it comes after "--".'],
    ['no command', ['--'], 'there is no command: it comes after "--".'],
    ['an empty command', ['--', ''], 'there is no command: it comes after "--".'],
    ['a command without its dashes', ['/bin/true'], 'there is no option "/bin/true".'],
    ['an unknown option', ['--allow-all', ...shell('true')], 'there is no option "--allow-all".'],
    ['an option cut short', ['--writ', '/', ...shell('true')], 'there is no option "--writ".'],
    ['an option with its value in one', ['--read=/', ...shell('true')], 'there is no option "--read=/".'],
    ['an option without a value', ['--read', ...shell('true')], '--read takes a value.'],
    ['a relative path', ['--read', 'usr', ...shell('true')], 'the path "usr" is not absolute.'],
    ['an empty path', ['--write', '', ...shell('true')], 'the path "" is not absolute.'],
    [
      'a path that is not there',
      ['--read', '/no/such', ...shell('true')],
      'the path /no/such cannot be had: No such file or directory.',
    ],
    [
      'a port that is none',
      ['--connect', '65536', ...shell('true')],
      '--connect takes a whole number from 0 to 65535, not "65536".',
    ],
    [
      'a port below zero',
      ['--bind', '-1', ...shell('true')],
      '--bind takes a whole number from 0 to 65535, not "-1".',
    ],
    [
      'a port with a tail',
      ['--connect', '80x', ...shell('true')],
      '--connect takes a whole number from 0 to 65535, not "80x".',
    ],
    [
      'a port with a space before it',
      ['--connect', ' 80', ...shell('true')],
      '--connect takes a whole number from 0 to 65535, not " 80".',
    ],
    [
      'a number that has no end',
      ['--at-least', '9'.repeat(40), ...shell('true')],
      `--at-least takes a whole number from 0 to 1000, not "${'9'.repeat(40)}".`,
    ],
    [
      'bytes that are no text',
      ['--\u0001\u001b[2J', ...shell('true')],
      'there is no option "--\u0001\u001b[2J".',
    ],
  ])('%s starts nothing', (_what, args, sentence) => {
    expect(start(args)).toEqual({ code: 125, said: `landlock: ${sentence}` });
  });

  test('a path that leads through a link starts nothing: a rule would be made for what it leads to', () => {
    mkdirSync(join(fixture.root, 'real', 'inside'), { recursive: true });
    symlinkSync('real', join(fixture.root, 'link'));
    for (const path of ['link', 'link/inside'])
      expect(start(['--write', join(fixture.root, path), ...shell('true')])).toEqual({
        code: 125,
        said: expect.stringContaining('Too many levels of symbolic links') as string,
      });
  });

  test('a command that cannot be executed is told apart from a layer that does not stand', () => {
    expect(start([...SYSTEM, '--', '/usr/bin/no-such-program']).code).toBe(127);
    expect(start([...SYSTEM, '--', '/usr']).code).toBe(126);
  });

  test('on older kernels the rights that they do not know are left out; below what is asked for nothing starts', () => {
    for (const abi of [1, 2, 3, 4, 5, 6]) {
      const kernel = olderKernel(abi);
      expect(start(['--abi'], kernel)).toEqual({ code: 0, said: String(abi) });
      const args = [...SYSTEM, '--read', fixture.root, ...shell('ls /root; echo ran')];
      expect(start(args, kernel).said, `Landlock ${abi}`).toMatch(/^ran\n.*Permission denied$/);
      expect(start(['--at-least', String(abi + 1), ...args], kernel)).toEqual({
        code: 125,
        said: `landlock: this kernel has Landlock ${abi}, and ${abi + 1} is needed.`,
      });
    }
    const none = olderKernel(0);
    expect(start(['--abi'], none)).toEqual({ code: 0, said: '0' });
    expect(start([...shell('grep NoNewPrivs /proc/self/status')], none).said).toMatch(/NoNewPrivs:\s+1/);
    expect(start(['--at-least', '1', ...shell('true')], none).code).toBe(125);
  });
});

describe('in a room', () => {
  const sealed = { read: [], write: ['/work', '/home/agent'], ports: [4321], required: true };

  test('a sealed profile holds its ports, datagrams and other protocols as well, and reaches its gateway', async () => {
    const path = join(fixture.root, 'core.sock');
    const server = await serveOnSocket(path, 'core says');
    try {
      const profile = fixture.profile({ kernel: sealed, socket: { source: path } });
      const report = await fixture.sandbox.prove(profile);
      const wrong = report.canaries.filter(({ denied, expected }) => denied !== (expected === 'denied'));
      expect([wrong, report.ok, report.landlock >= SEALED_ABI]).toEqual([[], true, true]);
      expect(report.canaries.map(({ name }) => name)).toEqual(
        expect.arrayContaining(['reach a port', 'listen on a port', 'send a datagram', 'reach the gateway']),
      );
      const { stdout } = await fixture.run(
        `curl -s http://127.0.0.1:8790/a; echo; node -e "
           const net = require('node:net');
           const own = net.createServer((s) => s.end('served')).listen(4321, () => {
             net.connect(4321).on('data', (d) => { console.log(String(d)); own.close(); });
           });"
         python3 -c "import socket; socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)" 2>&1 | tail -1`,
        { kernel: sealed, socket: { source: path } },
      );
      expect(stdout.toString()).toMatch(/^core says \/a\nserved\n/);
      expect(stdout.toString()).not.toMatch(/Errno 93|Errno 94/);
    } finally {
      await new Promise((done) => server.close(done));
    }
  });

  test('another brand’s tree that the room shows by mistake is neither read nor written', async () => {
    const foreign = fixture.folder('foreign');
    writeFileSync(join(foreign, 'secret'), 'foreign words', { mode: 0o666 });
    chmodSync(join(foreign, 'secret'), 0o666);
    const { stdout } = await fixture.run(
      'cat /foreign/secret; echo planted > /foreign/secret; echo planted > /foreign/new; ls /foreign; rm -f /foreign/secret; echo done',
      {
        mounts: [
          ...fixture.profile().mounts,
          { kind: 'bind', source: foreign, target: '/foreign', access: 'write' },
        ],
        kernel: sealed,
      },
    );
    expect(stdout.toString()).toBe('done\n');
    expect(readFileSync(join(foreign, 'secret'), 'utf8')).toBe('foreign words');
  });

  test('a canary sees that its wall is gone', async () => {
    const wide = { ...sealed, write: ['/work', '/home/agent', '/opt/atrium/bait'] };
    const report = await fixture.sandbox.prove(fixture.profile({ kernel: wide }));
    expect(
      report.canaries
        .filter(({ layer, denied, expected }) => layer === 'kernel' && denied !== (expected === 'denied'))
        .map(({ name }) => name),
    ).toEqual([
      'read a file that is shown',
      'list a folder that is shown',
      'change a file that is shown',
      'shorten a file that is shown',
      'make a file where it is shown',
      'remove a folder that is shown',
      'move a file out',
      'execute a file that is shown',
    ]);
    const without = openFixture({ kernel: null });
    try {
      const open = await without.sandbox.prove(without.profile({ kernel: sealed }));
      const canaries = open.canaries.filter(
        ({ layer, expected }) => layer === 'kernel' && expected === 'denied',
      );
      expect([open.ok, canaries.filter(({ denied }) => denied)]).toEqual([false, []]);
    } finally {
      await without.dispose();
    }
  });
});

describe('where it cannot be had', () => {
  test('no launcher, one that others may change, one that is something else: nothing is launched', async () => {
    const changeable = join(fixture.root, 'changeable');
    copyFileSync(launcher, changeable);
    chmodSync(changeable, 0o777);
    for (const [path, code] of [
      [join(fixture.root, 'no-such'), 'kernel-launcher-missing'],
      [changeable, 'kernel-launcher-untrusted'],
      ['/bin/true', 'kernel-launcher-untrusted'],
      [fixture.work, 'kernel-launcher-untrusted'],
    ] as const) {
      const layer = kernelLayerAt(path);
      expect(layer).toThrow(expect.objectContaining({ code }));
    }
  });

  test('a launcher that fails inside starts no agent, and the proof says so', async () => {
    const profile = fixture.profile({
      kernel: { read: ['/no/such'], write: ['/work'], ports: [], required: false },
    });
    const options = { timeoutMs: 60_000, maxOutputBytes: 65_536 };
    const ended = await fixture.sandbox.run(profile, ['/bin/sh', '-c', 'echo ran'], options);
    expect([ended.code, ended.stdout.toString()]).toEqual([125, '']);
    const report = await fixture.sandbox.prove(profile);
    expect(report.ok).toBe(false);
    expect(
      report.canaries
        .filter(({ layer }) => layer === 'kernel')
        .every(({ detail }) => detail.includes('/no/such')),
    ).toBe(true);
  });

  test('a kernel without Landlock: a sealed profile is refused in a sentence, another runs and its proof shows it missing', async () => {
    const old = openFixture({ kernel: { launcher, abi: 0 } });
    try {
      const options = { timeoutMs: 60_000, maxOutputBytes: 65_536 };
      await expect(
        old.sandbox.run(
          old.profile({ kernel: { ...old.profile().kernel, required: true } }),
          ['/bin/true'],
          options,
        ),
      ).rejects.toMatchObject({
        code: 'kernel-layer-missing',
        message: 'The sandbox "test" was not launched: this kernel has no Landlock.',
      });
      expect((await old.run('echo ran')).stdout.toString()).toBe('ran\n');
      const report = await old.sandbox.prove(old.profile());
      expect([report.ok, report.landlock]).toEqual([true, 0]);
      expect(report.canaries.some(({ layer }) => layer === 'kernel')).toBe(false);
    } finally {
      await old.dispose();
    }
  });

  test('its arguments name nothing of the host', () => {
    const wall = { read: ['/opt/atrium/base'], write: ['/work'], ports: [], required: true };
    expect(landlockArguments(wall, [], 8790).join(' ')).toBe(
      '--at-least 3 --read /usr --read /etc --read /proc --read /opt/node --read /dev --read /opt/atrium/base ' +
        '--write /tmp --write /dev/shm --write /dev/pts --write /dev/null --write /dev/zero --write /dev/full ' +
        '--write /dev/random --write /dev/urandom --write /dev/tty --write /work --connect 8790',
    );
  });
});
