/**
 * The system call filter of every sandbox, as classic BPF. Made here so that no library has to be trusted for it.
 * It denies what a namespace alone leaves open: mounting, new namespaces, tracing, keyrings, io_uring, terminal
 * injection and socket families that are not walled in by the network namespace.
 */

/** Architectures that the filter is written for. */
export type FilterArchitecture = 'x64' | 'arm64';

const EPERM = 1;
const ENOSYS = 38;
const AUDIT_ARCHITECTURE: Record<FilterArchitecture, number> = { x64: 0xc000003e, arm64: 0xc00000b7 };

/** Numbers of the system calls that the filter or its proof names; -1 where the architecture has none. */
export const SYSTEM_CALLS = {
  clone: { x64: 56, arm64: 220 },
  clone3: { x64: 435, arm64: 435 },
  ioctl: { x64: 16, arm64: 29 },
  socket: { x64: 41, arm64: 198 },
  socketpair: { x64: 53, arm64: 199 },
  mount: { x64: 165, arm64: 40 },
  umount2: { x64: 166, arm64: 39 },
  pivot_root: { x64: 155, arm64: 41 },
  chroot: { x64: 161, arm64: 51 },
  open_tree: { x64: 428, arm64: 428 },
  move_mount: { x64: 429, arm64: 429 },
  fsopen: { x64: 430, arm64: 430 },
  fsconfig: { x64: 431, arm64: 431 },
  fsmount: { x64: 432, arm64: 432 },
  fspick: { x64: 433, arm64: 433 },
  mount_setattr: { x64: 442, arm64: 442 },
  open_tree_attr: { x64: 467, arm64: 467 },
  unshare: { x64: 272, arm64: 97 },
  setns: { x64: 308, arm64: 268 },
  ptrace: { x64: 101, arm64: 117 },
  process_vm_readv: { x64: 310, arm64: 270 },
  process_vm_writev: { x64: 311, arm64: 271 },
  pidfd_getfd: { x64: 438, arm64: 438 },
  kcmp: { x64: 312, arm64: 272 },
  bpf: { x64: 321, arm64: 280 },
  perf_event_open: { x64: 298, arm64: 241 },
  userfaultfd: { x64: 323, arm64: 282 },
  io_uring_setup: { x64: 425, arm64: 425 },
  io_uring_enter: { x64: 426, arm64: 426 },
  io_uring_register: { x64: 427, arm64: 427 },
  keyctl: { x64: 250, arm64: 219 },
  add_key: { x64: 248, arm64: 217 },
  request_key: { x64: 249, arm64: 218 },
  kexec_load: { x64: 246, arm64: 104 },
  kexec_file_load: { x64: 320, arm64: 294 },
  init_module: { x64: 175, arm64: 105 },
  finit_module: { x64: 313, arm64: 273 },
  delete_module: { x64: 176, arm64: 106 },
  open_by_handle_at: { x64: 304, arm64: 265 },
  fanotify_init: { x64: 300, arm64: 262 },
  quotactl: { x64: 179, arm64: 60 },
  quotactl_fd: { x64: 443, arm64: 443 },
  acct: { x64: 163, arm64: 89 },
  swapon: { x64: 167, arm64: 224 },
  swapoff: { x64: 168, arm64: 225 },
  reboot: { x64: 169, arm64: 142 },
  syslog: { x64: 103, arm64: 116 },
} as const satisfies Record<string, Record<FilterArchitecture, number>>;

/** Name of a system call in {@link SYSTEM_CALLS}. */
export type SystemCall = keyof typeof SYSTEM_CALLS;

const CONDITIONAL: readonly SystemCall[] = ['clone', 'clone3', 'ioctl', 'socket', 'socketpair'];

/** System calls that are denied whatever their arguments are. */
export const ALWAYS_DENIED: readonly SystemCall[] = (Object.keys(SYSTEM_CALLS) as SystemCall[]).filter(
  (name) => !CONDITIONAL.includes(name),
);

/** Every CLONE_NEW* that clone() can carry. */
const NEW_NAMESPACES = 0x7e020000;
/** TIOCSTI pushes keys into the terminal; TIOCLINUX does the same on a console. */
const DENIED_IOCTLS = [0x5412, 0x541c];
/** UNIX, INET, INET6, NETLINK: what the network namespace walls in. AF_VSOCK reaches the hypervisor past it. */
const ALLOWED_FAMILIES = [1, 2, 10, 16];
const X32_BIT = 0x40000000;

const LOAD = 0x20;
const EQUALS = 0x15;
const AT_LEAST = 0x35;
const ANY_BIT = 0x45;
const RETURN = 0x06;
const ALLOW = 0x7fff0000;
const KILL_PROCESS = 0x80000000;
const failWith = (errno: number): number => 0x00050000 | errno;

const OFFSET_NUMBER = 0;
const OFFSET_ARCHITECTURE = 4;
/** The low half: the kernel reads 32 bits of these arguments, so junk in the high half must not get by. */
const offsetOfArgument = (index: number): number => 16 + 8 * index;

type Instruction = readonly [code: number, jumpTrue: number, jumpFalse: number, value: number];

/** The filter's bytes, as the kernel (and the launcher's `--seccomp`) takes them. */
export function seccompFilter(architecture: FilterArchitecture): Buffer {
  const number = (name: SystemCall): number => SYSTEM_CALLS[name][architecture];
  const deny = (errno: number): Instruction => [RETURN, 0, 0, failWith(errno)];
  const allow: Instruction = [RETURN, 0, 0, ALLOW];
  const program: Instruction[] = [
    [LOAD, 0, 0, OFFSET_ARCHITECTURE],
    [EQUALS, 1, 0, AUDIT_ARCHITECTURE[architecture]],
    [RETURN, 0, 0, KILL_PROCESS],
    [LOAD, 0, 0, OFFSET_NUMBER],
  ];
  if (architecture === 'x64') program.push([AT_LEAST, 0, 1, X32_BIT], deny(ENOSYS));
  for (const name of ALWAYS_DENIED) program.push([EQUALS, 0, 1, number(name)], deny(EPERM));
  program.push([EQUALS, 0, 1, number('clone3')], deny(ENOSYS));
  const guarded = (name: SystemCall, body: Instruction[]): void => {
    program.push([EQUALS, 0, body.length, number(name)], ...body);
  };
  guarded('clone', [[LOAD, 0, 0, offsetOfArgument(0)], [ANY_BIT, 0, 1, NEW_NAMESPACES], deny(EPERM), allow]);
  guarded('ioctl', [
    [LOAD, 0, 0, offsetOfArgument(1)],
    ...DENIED_IOCTLS.flatMap((request): Instruction[] => [[EQUALS, 0, 1, request], deny(EPERM)]),
    allow,
  ]);
  for (const name of ['socket', 'socketpair'] as const) {
    guarded(name, [
      [LOAD, 0, 0, offsetOfArgument(0)],
      ...ALLOWED_FAMILIES.flatMap((family): Instruction[] => [[EQUALS, 0, 1, family], allow]),
      deny(EPERM),
    ]);
  }
  program.push(allow);
  const bytes = Buffer.alloc(program.length * 8);
  program.forEach(([code, jumpTrue, jumpFalse, value], index) => {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(jumpTrue, index * 8 + 2);
    bytes.writeUInt8(jumpFalse, index * 8 + 3);
    bytes.writeUInt32LE(value >>> 0, index * 8 + 4);
  });
  return bytes;
}

/** Whether a filter exists for this processor. */
export function isFilterArchitecture(architecture: string): architecture is FilterArchitecture {
  return architecture === 'x64' || architecture === 'arm64';
}
