import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { syscallProgram } from '../../src-main/services/sandbox/syscall-program.ts';
import { addBrand, makePlace } from '../support/workspace.ts';
import type { InProcessCore, TestPlace, TestRepository } from '../support/workspace.ts';
import { ORDINARY } from './ordinary.ts';
import { laySiege, nodeProgram, type Attempted, type Siege } from './siege.ts';

/** Spellings of attacks as a shell or a program knows them, and the ordinary day that the same walls let be. */

const architecture = process.arch === 'arm64' ? 'arm64' : 'x64';
const TIOCSTI = 0x5412;

/** One system call each; EPERM (1), EACCES (13) or ENOSYS (38) is the answer that is expected. */
const CALLS: Record<string, Buffer> = {
  'trace a process': syscallProgram(architecture, 'ptrace', [0]),
  'read the memory of a process': syscallProgram(architecture, 'process_vm_readv', [1, 0, 0, 0, 0, 0]),
  'write the memory of a process': syscallProgram(architecture, 'process_vm_writev', [1, 0, 0, 0, 0, 0]),
  'take a descriptor of a process': syscallProgram(architecture, 'pidfd_getfd', [0, 0, 0]),
  'use a keyring': syscallProgram(architecture, 'keyctl', [0, -3, 1]),
  'add a key': syscallProgram(architecture, 'add_key', ['user', 'x', 'x', 1, -2]),
  'make a user namespace': syscallProgram(architecture, 'unshare', [0x10000000]),
  'make a mount namespace': syscallProgram(architecture, 'unshare', [0x20000]),
  'clone into a namespace': syscallProgram(architecture, 'clone', [0x10000011]),
  'clone by the newer call': syscallProgram(architecture, 'clone3', [0, 0]),
  'join a namespace': syscallProgram(architecture, 'setns', [0, 0]),
  mount: syscallProgram(architecture, 'mount', ['none', '/tmp', 'tmpfs', 0, 0]),
  unmount: syscallProgram(architecture, 'umount2', ['/work', 2]),
  'mount by the newer calls': syscallProgram(architecture, 'open_tree', [-100, '/work', 1]),
  'change its root': syscallProgram(architecture, 'chroot', ['/tmp']),
  'pivot its root': syscallProgram(architecture, 'pivot_root', ['/tmp', '/tmp']),
  'load a program into the kernel': syscallProgram(architecture, 'bpf', [0, 0, 0]),
  'watch performance': syscallProgram(architecture, 'perf_event_open', [0, 0, -1, -1, 0]),
  'handle page faults': syscallProgram(architecture, 'userfaultfd', [0]),
  'use io_uring': syscallProgram(architecture, 'io_uring_setup', [1, 0]),
  'open a file by its handle': syscallProgram(architecture, 'open_by_handle_at', [-100, 0, 0]),
  'type into the terminal': syscallProgram(architecture, 'ioctl', [0, TIOCSTI, 'x']),
  'type into the terminal, with junk in the high half': syscallProgram(architecture, 'ioctl', [
    0,
    0x1_0000_0000 + TIOCSTI,
    'x',
  ]),
  'open a socket to the hypervisor': syscallProgram(architecture, 'socket', [40, 1, 0]),
  'open a raw packet socket': syscallProgram(architecture, 'socket', [17, 3, 0]),
  'read the log of the kernel': syscallProgram(architecture, 'syslog', [3, 0, 0]),
  'load a module': syscallProgram(architecture, 'init_module', [0, 0, 0]),
};

/** Shell commands that must not succeed. */
const COMMANDS: Record<string, string> = {
  'change a setting of the kernel': 'echo x > /proc/sys/kernel/core_pattern',
  'change the host name': 'echo x > /proc/sys/kernel/hostname || hostname evil',
  'ask for a crash': 'echo c > /proc/sysrq-trigger',
  'read the memory of the machine': 'head -c1 /proc/kcore || head -c1 /dev/mem',
  'find a disk': 'ls /dev/vda /dev/sda /dev/nvme0n1 2>/dev/null | grep .',
  'make a device': 'mknod /tmp/disk b 254 0',
  'write to the system':
    'touch /usr/x || touch /etc/x || touch /bin/x || touch /opt/atrium/run/x || touch /opt/agent/x || touch /x',
  'change what it finds as atrium':
    'echo x >> /opt/atrium/run/atrium.mjs || ln -sf /bin/true /opt/atrium/run/bin/atrium',
  'become root': 'su -c true || sudo -n true || setpriv --reuid 0 true',
  'gain by a program of root': 'cp /bin/sh /tmp/sh; chmod u+s /tmp/sh; /tmp/sh -p -c "test $(id -u) = 0"',
  'unshare by its program': 'unshare -Ur true || unshare -m true || bwrap --ro-bind / / true',
  'see another process tree':
    'ls /proc | grep -E "^[0-9]{4,}$" | head -1 | grep -q . && test $(ls -d /proc/[0-9]* | wc -l) -gt 40',
  'read the environment of its parents':
    'cat /proc/1/environ 2>/dev/null | tr "\\0" "\\n" | grep -E "GEMINI|ANTHROPIC|HOME=/root|SSH_"',
  'leave by the root of another process': 'ls /proc/1/root/root || ls /proc/1/cwd/../root',
  'kill what is not its own': 'kill -9 1',
  'reach a cgroup': 'mkdir /sys/fs/cgroup/x || echo 1 > /sys/fs/cgroup/cgroup.procs',
  'reach an address': 'curl -sS --noproxy "*" --max-time 2 http://1.1.1.1/',
  'reach the metadata address':
    'curl -sS --noproxy "*" --max-time 2 http://169.254.169.254/ || curl -fsS --max-time 2 http://169.254.169.254/',
  'reach an address of the newer kind': 'curl -sS --noproxy "*" --max-time 2 "http://[2606:4700::1111]/"',
  'resolve a name': 'getent hosts example.com',
  'ask a name server': `node -e "const s=require('dgram').createSocket('udp4');s.on('error',()=>process.exit(1));s.send('x',53,'8.8.8.8',(e)=>process.exit(e?1:0))"`,
  'tunnel to a host that is not on its list': 'curl -fsS --max-time 5 https://example.com/',
  'tunnel to the loopback of the host':
    'curl -fsS --max-time 5 -p -x http://127.0.0.1:8790 http://127.0.0.1:22/ || curl -fsS --max-time 5 -p -x http://127.0.0.1:8790 http://localhost:22/ || curl -fsS --max-time 5 -p -x http://127.0.0.1:8790 "http://[::1]:22/"',
  'tunnel to an address spelt otherwise':
    'curl -fsS --max-time 5 -p -x http://127.0.0.1:8790 http://2130706433:22/ || curl -fsS --max-time 5 -p -x http://127.0.0.1:8790 http://0x7f.1:22/ || curl -fsS --max-time 5 -p -x http://127.0.0.1:8790 "http://[::ffff:127.0.0.1]:22/"',
  'find a socket of the host': 'find / -xdev -type s 2>/dev/null | grep -v ^/run/atrium/core.sock$ | grep .',
  'replace its own socket': 'rm /run/atrium/core.sock || mv /run/atrium /run/other || touch /run/atrium/x',
  'find the workspace':
    'find / -maxdepth 4 -name workspace.yaml 2>/dev/null | grep .; find / -maxdepth 4 -name .atrium 2>/dev/null | grep .',
};

let place: TestPlace;
let core: InProcessCore;
let siege: Siege;
let shop: TestRepository;
let attacked: Attempted;
let worked: Attempted;

const each = (commands: Record<string, string>): string =>
  Object.entries(commands)
    .map(([, command], index) => `( ${command}\n) > /tmp/out.${index} 2>&1; echo "CODE ${index} $?"`)
    .join('\n');
const codes = ({ output }: Attempted): Map<number, number> =>
  new Map([...output.matchAll(/^CODE (\d+) (\d+)$/gm)].map((match) => [Number(match[1]), Number(match[2])]));

beforeAll(async () => {
  place = makePlace();
  shop = place.repository('shop', {
    'package.json':
      '{ "name": "shop", "version": "1.0.0", "scripts": { "test": "node --test test.mjs", "hello": "echo hello" } }\n',
    'node_modules/.bin/local-tool': '#!/bin/sh\necho tool\n',
    'test.mjs': "import test from 'node:test';\ntest('holds', () => {});\n",
  });
  shop.git('update-index', '--chmod=+x', 'node_modules/.bin/local-tool');
  shop.git('commit', '-qm', 'a tool');
  shop.git('checkout', '-q', '.');
  core = await place.open();
  siege = laySiege(core);
  await addBrand(core.client, 'acme', shop.path, { test: 'npm test', count: 'tap' });
  const programs = Object.values(CALLS).map((program) => program.toString('base64'));
  const calls = nodeProgram(
    `import { spawnSync } from 'node:child_process';
    import { writeFileSync } from 'node:fs';
    ${JSON.stringify(programs)}.forEach((program, index) => {
      writeFileSync('/tmp/call' + index, Buffer.from(program, 'base64'), { mode: 0o755 });
      console.log('CALL ' + index + ' ' + spawnSync('/tmp/call' + index).status);
    });`,
  );
  attacked = await siege.attack('acme', {
    title: 'Break out',
    paths: ['a/**'],
    command: `${calls}\n${each(COMMANDS)}\nexit 1`,
  });
  worked = await siege.attack('acme', {
    title: 'An ordinary day',
    acceptance: ['test -e x.txt', 'echo judged > /dev/stderr'],
    command: `${each(ORDINARY)}\necho said > /dev/stdout && echo complained | tee /dev/stderr > /dev/null && echo STREAMS`,
  });
}, 120_000);
afterAll(async () => {
  await siege.end();
  await core.close();
  place.remove();
});

describe('the kernel refuses to', () => {
  test.each(Object.keys(CALLS).map((name, index) => [name, index] as const))('%s', (_name, index) => {
    expect(Number(new RegExp(`^CALL ${index} (\\d+)$`, 'm').exec(attacked.output)?.[1])).toSatisfy((code) =>
      [1, 13, 38].includes(code as number),
    );
  });
});

describe('a shell does not', () => {
  test.each(Object.keys(COMMANDS).map((name, index) => [name, index] as const))('%s', (name, index) => {
    expect(codes(attacked).has(index)).toBe(true);
    // Signals that are sent to the walls' own init are swallowed there: the run goes on, and that is what counts.
    if (name !== 'kill what is not its own') expect(codes(attacked).get(index)).not.toBe(0);
  });
});

describe('an ordinary day works', () => {
  test('of at least forty actions', () => {
    expect(codes(worked).size).toBe(Object.keys(ORDINARY).length);
    expect(codes(worked).size).toBeGreaterThanOrEqual(40);
  });

  test.each(Object.keys(ORDINARY).map((name, index) => [name, index] as const))('%s', (_name, index) => {
    expect(codes(worked).get(index)).toBe(0);
  });

  test('of scripts that open their streams by /dev/stdout and /dev/stderr', () => {
    expect(worked.output.split('\n')).toEqual(expect.arrayContaining(['said', 'STREAMS']));
    expect(worked.lines).toContainEqual(expect.objectContaining({ kind: 'stderr', text: 'complained\n' }));
  });

  test('[C3] and is merged', () => {
    expect([worked.ticket.attemptList[0]?.reason, worked.ticket.state]).toEqual(['merged', 'merged']);
  });
});
