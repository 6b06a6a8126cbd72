import { type FilterArchitecture, SYSTEM_CALLS } from './seccomp.ts';

/**
 * Smallest possible programs: each makes one system call and exits with its errno, 0 when it succeeded. They let a
 * prober try what no scripting language offers, without relying on what is installed.
 */

const BASE_ADDRESS = 0x400000;
const HEADERS = 64 + 56;
const EXIT = { x64: 60, arm64: 93 } as const;
/** Has no arguments, cannot fail and is never filtered: shows that such programs run at all. */
const GETPID = { x64: 39, arm64: 172 } as const;
const ELF_MACHINE = { x64: 62, arm64: 183 } as const;

/** A number, or a text whose address is passed. */
export type CallArgument = number | bigint | string;

/** Program for one system call with up to six arguments. */
export function syscallProgram(
  architecture: FilterArchitecture,
  call: keyof typeof SYSTEM_CALLS | 'getpid',
  args: readonly CallArgument[] = [],
): Buffer {
  const number = call === 'getpid' ? GETPID[architecture] : SYSTEM_CALLS[call][architecture];
  const assemble = architecture === 'x64' ? assembleX64 : assembleArm64;
  const codeLength = assemble(
    number,
    Array.from({ length: 6 }, () => 0n),
  ).length;
  const texts: Buffer[] = [];
  let next = BASE_ADDRESS + HEADERS + codeLength;
  const values = Array.from({ length: 6 }, (_, index) => {
    const argument = args[index] ?? 0;
    if (typeof argument !== 'string') return BigInt.asUintN(64, BigInt(argument));
    const bytes = Buffer.from(`${argument}\0`);
    texts.push(bytes);
    next += bytes.length;
    return BigInt(next - bytes.length);
  });
  const body = Buffer.concat([assemble(number, values), ...texts]);
  return Buffer.concat([elfHeaders(architecture, HEADERS + body.length), body]);
}

function assembleX64(number: number, values: bigint[]): Buffer {
  const load = (opcode: number[], value: bigint): Buffer => {
    const bytes = Buffer.alloc(10);
    bytes.set(opcode);
    bytes.writeBigUInt64LE(value, 2);
    return bytes;
  };
  const registers = [
    [0x48, 0xbf],
    [0x48, 0xbe],
    [0x48, 0xba],
    [0x49, 0xba],
    [0x49, 0xb8],
    [0x49, 0xb9],
  ];
  const exit = [0xb8, EXIT.x64, 0, 0, 0, 0x0f, 0x05];
  return Buffer.concat([
    load([0x48, 0xb8], BigInt(number)),
    ...registers.map((opcode, index) => load(opcode, values[index] ?? 0n)),
    // syscall; xor edi,edi; test rax,rax; jns exit; neg rax; mov edi,eax; exit: mov eax,EXIT; syscall
    Buffer.from([
      0x0f,
      0x05,
      0x31,
      0xff,
      0x48,
      0x85,
      0xc0,
      0x79,
      0x05,
      0x48,
      0xf7,
      0xd8,
      0x89,
      0xc7,
      ...exit,
    ]),
  ]);
}

function assembleArm64(number: number, values: bigint[]): Buffer {
  const load = (register: number, value: bigint): number[] =>
    [0, 1, 2, 3].map((quarter) => {
      const part = Number((value >> BigInt(16 * quarter)) & 0xffffn);
      return (quarter === 0 ? 0xd2800000 : 0xf2800000) | (quarter << 21) | (part << 5) | register;
    });
  // svc; cmp x0,#0; csneg x0,xzr,x0,ge; (x8 = EXIT); svc
  const words = [
    ...load(8, BigInt(number)),
    ...values.flatMap((value, register) => load(register, value)),
    ...[0xd4000001, 0xf100001f, 0xda80a7e0],
    ...load(8, BigInt(EXIT.arm64)),
    0xd4000001,
  ];
  const bytes = Buffer.alloc(words.length * 4);
  words.forEach((word, index) => bytes.writeUInt32LE(word >>> 0, index * 4));
  return bytes;
}

function elfHeaders(architecture: FilterArchitecture, size: number): Buffer {
  const header = Buffer.alloc(HEADERS);
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  header.writeUInt16LE(2, 16);
  header.writeUInt16LE(ELF_MACHINE[architecture], 18);
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(BigInt(BASE_ADDRESS + HEADERS), 24);
  header.writeBigUInt64LE(64n, 32);
  header.writeUInt16LE(64, 52);
  header.writeUInt16LE(56, 54);
  header.writeUInt16LE(1, 56);
  header.writeUInt32LE(1, 64);
  header.writeUInt32LE(5, 68);
  header.writeBigUInt64LE(BigInt(BASE_ADDRESS), 80);
  header.writeBigUInt64LE(BigInt(BASE_ADDRESS), 88);
  header.writeBigUInt64LE(BigInt(size), 96);
  header.writeBigUInt64LE(BigInt(size), 104);
  header.writeBigUInt64LE(0x1000n, 112);
  return header;
}
