import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { openFixture, without } from './sandbox-fixture.ts';
import {
  ALWAYS_DENIED,
  type FilterArchitecture,
  seccompFilter,
  SYSTEM_CALLS,
  type SystemCall,
} from './seccomp.ts';
import { type CallArgument, syscallProgram } from './syscall-program.ts';

const ALLOW = 0x7fff0000;
const KILL = 0x80000000;
const errno = (number: number): number => 0x50000 | number;
const AUDIT: Record<FilterArchitecture, number> = { x64: 0xc000003e, arm64: 0xc00000b7 };

/** Runs classic BPF as the kernel would; arguments are 64 bits wide. */
function decide(
  architecture: FilterArchitecture,
  number: number,
  args: bigint[] = [],
  audit = AUDIT[architecture],
): number {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(number, 0);
  data.writeUInt32LE(audit, 4);
  args.forEach((argument, index) => data.writeBigUInt64LE(argument, 16 + 8 * index));
  const program = seccompFilter(architecture);
  let accumulator = 0;
  for (let at = 0; ; at++) {
    const code = program.readUInt16LE(at * 8);
    const value = program.readUInt32LE(at * 8 + 4);
    const jump = (holds: boolean): number => program.readUInt8(at * 8 + (holds ? 2 : 3));
    if (code === 0x20) accumulator = data.readUInt32LE(value);
    else if (code === 0x15) at += jump(accumulator === value);
    else if (code === 0x35) at += jump(accumulator >= value);
    else if (code === 0x45) at += jump((accumulator & value) !== 0);
    else if (code === 0x06) return value;
    else throw new Error(`unknown instruction ${code}`);
  }
}

describe.each(['x64', 'arm64'] as const)('the filter’s decisions on %s', (architecture) => {
  const of = (name: SystemCall, ...args: bigint[]): number =>
    decide(architecture, SYSTEM_CALLS[name][architecture], args);

  test('the closed list is denied, ordinary calls are allowed', () => {
    expect(ALWAYS_DENIED.map((name) => [name, of(name)])).toEqual(
      ALWAYS_DENIED.map((name) => [name, errno(1)]),
    );
    const ordinary = {
      x64: [0, 1, 39, 59, 105, 106, 117, 157, 231],
      arm64: [63, 64, 93, 147, 167, 172, 221],
    }[architecture];
    expect(ordinary.map((number) => decide(architecture, number))).toEqual(ordinary.map(() => ALLOW));
  });

  test('clone may start threads and processes, never a namespace; clone3 does not exist', () => {
    expect([of('clone', 0x3d0f00n), of('clone', 17n)]).toEqual([ALLOW, ALLOW]);
    const flags = [0x20000n, 0x2000000n, 0x4000000n, 0x8000000n, 0x10000000n, 0x20000000n, 0x40000000n];
    expect(flags.map((flag) => of('clone', flag | 17n))).toEqual(flags.map(() => errno(1)));
    expect(of('clone3')).toBe(errno(38));
  });

  test('keys cannot be pushed into a terminal, whatever the high half of the request says', () => {
    expect([of('ioctl', 0n, 0x5412n), of('ioctl', 0n, 0x1_0000_5412n), of('ioctl', 0n, 0x541cn)]).toEqual(
      [1, 1, 1].map(errno),
    );
    expect(of('ioctl', 0n, 0x5413n)).toBe(ALLOW);
  });

  test('sockets of four families only', () => {
    const allowed = Array.from({ length: 46 }, (_, family) => family).filter(
      (family) => of('socket', BigInt(family)) === ALLOW,
    );
    expect(allowed).toEqual([1, 2, 10, 16]);
    expect([of('socketpair', 1n), of('socketpair', 40n)]).toEqual([ALLOW, errno(1)]);
  });

  test('another architecture’s calls end the process', () => {
    expect(decide(architecture, 0, [], 0x40000003)).toBe(KILL);
    if (architecture === 'x64') expect(decide(architecture, 0x40000000 | 101)).toBe(errno(38));
  });
});

describe('the kernel under the filter', () => {
  // Without the kernel layer, whose own filter answers some of these too.
  const walled = openFixture({ kernel: null });
  const open = openFixture({ kernel: null, plan: (plan) => without(plan, ['--seccomp', '4']) });
  afterAll(async () => {
    await walled.dispose();
    await open.dispose();
  });
  const architecture = process.arch as FilterArchitecture;
  const attempts: [label: string, call: SystemCall, args: CallArgument[]][] = [
    ['ptrace', 'ptrace', [0]],
    ['keyctl', 'keyctl', [0, -3, 1]],
    ['add_key', 'add_key', ['user', 'atrium-test', 'x', 1, -2]],
    ['io_uring', 'io_uring_setup', [1, 0]],
    ['AF_VSOCK', 'socket', [40, 1, 0]],
    ['clone3', 'clone3', [0, 0]],
    ['new user namespace', 'unshare', [0x10000000]],
    ['mount', 'mount', ['none', '/tmp', 'tmpfs', 0, 0]],
    ['process_vm_readv', 'process_vm_readv', [1, 0, 0, 0, 0, 0]],
    ['INET', 'socket', [2, 1, 0]],
    ['UNIX', 'socket', [1, 1, 0]],
  ];

  async function errnosIn(fixture: typeof walled): Promise<Record<string, number>> {
    const folder = fixture.folder('work');
    attempts.forEach(([, call, args], index) => {
      const file = join(folder, `call-${index}`);
      writeFileSync(file, syscallProgram(architecture, call, args));
      chmodSync(file, 0o755);
    });
    const result = await fixture.run(attempts.map((_, index) => `/work/call-${index}; echo $?`).join('\n'));
    const codes = result.stdout.toString().trim().split('\n').map(Number);
    return Object.fromEntries(attempts.map(([label], index) => [label, codes[index] ?? -1]));
  }

  test('each forbidden call fails with the filter’s own answer', async () => {
    expect(await errnosIn(walled)).toEqual({
      ...Object.fromEntries(attempts.map(([label]) => [label, 1])),
      clone3: 38,
      INET: 0,
      UNIX: 0,
    });
  });

  test('without the filter the same programs get through to the kernel', async () => {
    const results = await errnosIn(open);
    expect(results).toMatchObject({ ptrace: 0, INET: 0, UNIX: 0 });
    expect([results.io_uring, results.clone3, results.process_vm_readv]).not.toContain(1);
    expect(results.clone3).not.toBe(38);
  });
});
