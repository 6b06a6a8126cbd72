import type { Mechanism } from './mechanism.ts';

/**
 * A wall of the room. Taken away by a test, it lets the attacks behind it through and no others:
 * `mounts` what is not mounted is not there · `read-only` what is mounted to be read cannot be written · `network` a network
 * of its own · `environment` an allow-list of variables · `processes` a process tree of its own · `filter` the system call
 * filter · `privilege` the filter, and a user without capabilities · `sysctl` the kernel's settings cannot be written ·
 * `network list` hosts are reached by the run's list · `addresses` a listed name leads to public addresses only.
 */
export const WALLS = [
  'mounts',
  'read-only',
  'network',
  'environment',
  'processes',
  'filter',
  'privilege',
  'sysctl',
  'network list',
  'addresses',
] as const;
export type Wall = (typeof WALLS)[number];

/** An attack from inside a run, as the body of a function that gives true where it reached its aim. */
export interface InsideAttack extends Mechanism {
  wall: Wall;
  attack: string;
}

/** What attacks go for: places and numbers of the host. Every file could be read and written by any user. */
export interface Bait {
  /** A folder in Atrium's state: `state.db` with a ticket, `transcript.jsonl`, `core.sock` that answers as the operator's. */
  state: string;
  /** The exported tickets of the brand. */
  tickets: string;
  brandFile: string;
  contract: string;
  /** Reference of the operator's repository that `main` stands for. */
  mainRef: string;
  hooks: string;
  otherBrand: string;
  wiki: string;
  home: string;
  agentSocket: string;
  /** Socket of another run, alive. */
  runSocket: string;
  tcpPort: number;
  udpPort: number;
  abstractSocket: string;
  /** A process of the host, of the run's own user, that holds `openSecret` open as descriptor 3. */
  victim: number;
  /** What only the command line of the victim has, in two parts that a dash joins: no program of an attack has it whole. */
  victimWord: readonly [string, string];
  /** Can be read by any user, at a path that every user can walk. */
  publicSecret: string;
  /** Base64 programs that make one system call, by name. */
  calls: Record<string, string>;
}

const room = ['room'] as const;
/** Stopped by the room, and by the kernel layer where the room does not hold. */
const both = ['room', 'kernel'] as const;

/** What is written where the truth lives. */
const STATE: InsideAttack[] = [
  {
    id: 'state.redirect',
    family: 'state writes',
    tries: 'append to a transcript by a redirect of the shell',
    stoppedBy: both,
    wall: 'mounts',
    attack: 'return works(`echo \'{"kind":"forged"}\' >> ${BAIT.state}/transcript.jsonl`)',
  },
  {
    id: 'state.database',
    family: 'state writes',
    tries: 'move a ticket in the database itself',
    stoppedBy: both,
    wall: 'mounts',
    attack: `const { DatabaseSync } = await import('node:sqlite');
      const database = new DatabaseSync(BAIT.state + '/state.db');
      return database.prepare("UPDATE tickets SET state = 'merged'").run().changes === 1`,
  },
  {
    id: 'state.rename-over',
    family: 'state writes',
    tries: 'rename a file of its own over the exported tickets',
    stoppedBy: both,
    wall: 'mounts',
    attack: `const own = path.dirname(BAIT.tickets) + '/own';
      fs.writeFileSync(own, '{"state":"merged"}'); fs.renameSync(own, BAIT.tickets);
      return fs.readFileSync(BAIT.tickets, 'utf8').includes('merged')`,
  },
  {
    id: 'state.hard-link',
    family: 'state writes',
    tries: 'give a page of the wiki a second name and write through it',
    stoppedBy: both,
    wall: 'mounts',
    attack: `fs.linkSync(BAIT.wiki, BAIT.wiki + '.second'); fs.appendFileSync(BAIT.wiki + '.second', 'evil');
      return fs.readFileSync(BAIT.wiki, 'utf8').endsWith('evil')`,
  },
  {
    id: 'state.contract',
    family: 'state writes',
    tries: 'give itself more rights in its contract',
    stoppedBy: both,
    wall: 'mounts',
    attack:
      "return works(`sed -i 's/network: ticket/network: any/' ${BAIT.contract} && grep -q 'network: any' ${BAIT.contract}`)",
  },
  {
    id: 'state.brand-file',
    family: 'state writes',
    tries: 'turn off the checks of its repository in the brand’s configuration',
    stoppedBy: both,
    wall: 'mounts',
    attack: `const text = fs.readFileSync(BAIT.brandFile, 'utf8').replace('test: npm test', 'test: none');
      fs.writeFileSync(BAIT.brandFile, text); return text.includes('test: none')`,
  },
  {
    id: 'state.branch',
    family: 'state writes',
    tries: 'move main by writing its reference',
    stoppedBy: both,
    wall: 'mounts',
    attack: "fs.writeFileSync(BAIT.mainRef, 'e'.repeat(40) + '\\n'); return true",
  },
  {
    id: 'state.host-hook',
    family: 'state writes',
    tries: 'plant a hook in the operator’s repository',
    stoppedBy: both,
    wall: 'mounts',
    attack:
      "fs.writeFileSync(BAIT.hooks + '/post-commit', '#!/bin/sh\\nexit 0\\n', { mode: 0o755 }); return true",
  },
  {
    id: 'state.base-objects',
    family: 'state writes',
    tries: 'write into the objects that its checkout borrows from the host',
    stoppedBy: both,
    wall: 'read-only',
    attack: "fs.writeFileSync('/opt/atrium/base/planted', 'x'); return true",
  },
  {
    id: 'state.other-brand',
    family: 'state writes',
    tries: 'read another brand’s repository',
    stoppedBy: both,
    wall: 'mounts',
    attack: "return fs.readFileSync(BAIT.otherBrand, 'utf8').includes(TOKEN)",
  },
];

const LINKS: InsideAttack[] = [
  {
    id: 'link.out',
    family: 'links, renames and mounts',
    tries: 'read the operator’s key through a link in its checkout',
    stoppedBy: both,
    wall: 'mounts',
    attack:
      "fs.symlinkSync(BAIT.home, '/work/key'); try { return fs.readFileSync('/work/key', 'utf8').includes(TOKEN) } finally { fs.unlinkSync('/work/key') }",
  },
  {
    id: 'link.root-of-process',
    family: 'links, renames and mounts',
    tries: 'walk out by the root of another process in /proc',
    stoppedBy: both,
    wall: 'processes',
    attack: 'return pids().some((pid) => read(`/proc/${pid}/root${BAIT.publicSecret}`).includes(TOKEN))',
  },
  {
    id: 'link.descriptor-of-process',
    family: 'links, renames and mounts',
    tries: 'open again what another process has open',
    stoppedBy: both,
    wall: 'processes',
    attack: 'return pids().some((pid) => read(`/proc/${pid}/fd/3`).includes(TOKEN))',
  },
  {
    id: 'mount.own-tools',
    family: 'links, renames and mounts',
    tries: 'replace what it finds as atrium',
    stoppedBy: both,
    wall: 'read-only',
    attack:
      "fs.writeFileSync('/opt/atrium/run/bin/planted', '#!/bin/sh\\nexit 0\\n', { mode: 0o755 }); return true",
  },
  {
    id: 'mount.over',
    family: 'links, renames and mounts',
    tries: 'mount a file system over what it was given',
    stoppedBy: both,
    wall: 'privilege',
    attack: "return admitted('mount')",
  },
  {
    id: 'mount.remount',
    family: 'links, renames and mounts',
    tries: 'make a read-only mount writable',
    stoppedBy: both,
    wall: 'privilege',
    attack: "return admitted('remount')",
  },
  {
    id: 'mount.tree',
    family: 'links, renames and mounts',
    tries: 'take hold of a mount by the newer calls',
    stoppedBy: room,
    wall: 'filter',
    attack: "return admitted('open_tree')",
  },
  {
    id: 'mount.user-namespace',
    family: 'links, renames and mounts',
    tries: 'become root of a namespace of its own and mount there',
    stoppedBy: both,
    wall: 'filter',
    attack:
      'return works(\'unshare -Urm sh -c "mount -t tmpfs none /opt/atrium/run && touch /opt/atrium/run/planted"\')',
  },
  {
    id: 'mount.root',
    family: 'links, renames and mounts',
    tries: 'change its root',
    stoppedBy: room,
    wall: 'privilege',
    attack: "return admitted('chroot')",
  },
  {
    id: 'mount.handle',
    family: 'links, renames and mounts',
    tries: 'open a file of the disk by its handle, past every path',
    stoppedBy: room,
    wall: 'privilege',
    attack: "return admitted('open_by_handle_at')",
  },
];

const ENVIRONMENT: InsideAttack[] = [
  {
    id: 'environment.inherited',
    family: 'environment and /proc',
    tries: 'find a secret of the core in its own variables',
    stoppedBy: room,
    wall: 'environment',
    attack: 'return JSON.stringify(process.env).includes(TOKEN)',
  },
  {
    id: 'environment.of-process',
    family: 'environment and /proc',
    tries: 'read the variables of another process',
    stoppedBy: both,
    wall: 'processes',
    attack: "return pids().some((pid) => read(`/proc/${pid}/environ`).includes('OF_ANOTHER=' + TOKEN))",
  },
  {
    id: 'environment.command-lines',
    family: 'environment and /proc',
    tries: 'read what other programs were started with',
    stoppedBy: room,
    wall: 'processes',
    attack: "return pids().some((pid) => read(`/proc/${pid}/cmdline`).includes(BAIT.victimWord.join('-')))",
  },
  {
    id: 'proc.setting',
    family: 'environment and /proc',
    tries: 'change a setting of the kernel',
    stoppedBy: both,
    wall: 'sysctl',
    attack: "fs.closeSync(fs.openSync('/proc/sys/kernel/hostname', 'r+')); return true",
  },
  {
    id: 'proc.connections',
    family: 'environment and /proc',
    tries: 'list the connections of the host',
    stoppedBy: room,
    wall: 'network',
    attack:
      "return read('/proc/net/tcp').includes(':' + BAIT.tcpPort.toString(16).toUpperCase().padStart(4, '0') + ' ')",
  },
];

const NETWORK: InsideAttack[] = [
  {
    id: 'network.host-port',
    family: 'network',
    tries: 'reach a port of the host',
    stoppedBy: room,
    wall: 'network',
    attack:
      "return (await talk({ port: BAIT.tcpPort, host: '127.0.0.1' }, 'GET / HTTP/1.0\\r\\n\\r\\n')).includes(TOKEN)",
  },
  {
    id: 'network.datagram',
    family: 'network',
    tries: 'carry something out by a datagram, as a name server is asked',
    stoppedBy: room,
    wall: 'network',
    attack: `return await new Promise((done) => {
        const socket = dgram.createSocket('udp4');
        const end = (worked) => { clearTimeout(timer); socket.close(); done(worked); };
        const timer = setTimeout(() => end(false), 700);
        socket.on('message', (text) => end(String(text).includes(TOKEN))).on('error', () => end(false));
        socket.send('x', BAIT.udpPort, '127.0.0.1');
      })`,
  },
  {
    id: 'network.tunnel-unlisted',
    family: 'network',
    tries: 'tunnel through its proxy to a host that is not on its list',
    stoppedBy: room,
    wall: 'network list',
    attack:
      'return (await throughProxy(`CONNECT unlisted.example:${BAIT.tcpPort} HTTP/1.1\\r\\nhost: x\\r\\n\\r\\n`)).includes(TOKEN)',
  },
  {
    id: 'network.tunnel-address',
    family: 'network',
    tries: 'tunnel through its proxy to an address, however it is spelt',
    stoppedBy: room,
    wall: 'network list',
    attack: `for (const host of ['127.0.0.1', '[::ffff:127.0.0.1]', '2130706433', '0x7f.1', '169.254.169.254'])
        if ((await throughProxy('CONNECT ' + host + ':' + BAIT.tcpPort + ' HTTP/1.1\\r\\nhost: x\\r\\n\\r\\n')).includes(TOKEN)) return true;
      return false`,
  },
  {
    id: 'network.absolute-form',
    family: 'network',
    tries: 'ask its proxy for a plain address of the host',
    stoppedBy: room,
    wall: 'network list',
    attack:
      'return (await throughProxy(`GET http://127.0.0.1:${BAIT.tcpPort}/ HTTP/1.1\\r\\nhost: listed.example\\r\\nconnection: close\\r\\n\\r\\n`)).includes(TOKEN)',
  },
  {
    id: 'network.rebinding',
    family: 'network',
    tries: 'reach the host by a listed name that leads to it',
    stoppedBy: room,
    wall: 'addresses',
    attack:
      'return (await throughProxy(`CONNECT localhost:${BAIT.tcpPort} HTTP/1.1\\r\\nhost: x\\r\\n\\r\\n`)).includes(TOKEN)',
  },
  {
    id: 'network.raw',
    family: 'network',
    tries: 'send packets of its own making',
    stoppedBy: both,
    wall: 'privilege',
    attack: "return admitted('packet socket')",
  },
  {
    id: 'network.hypervisor',
    family: 'network',
    tries: 'speak to the hypervisor past every network',
    stoppedBy: both,
    wall: 'filter',
    attack: "return admitted('vsock')",
  },
];

const SOCKETS: InsideAttack[] = [
  {
    id: 'socket.operator',
    family: 'sockets',
    tries: 'speak to the operator’s door',
    stoppedBy: room,
    wall: 'mounts',
    attack: "return (await talk({ path: BAIT.state + '/core.sock' }, 'x')).includes(TOKEN)",
  },
  {
    id: 'socket.other-run',
    family: 'sockets',
    tries: 'speak as another run, on its socket',
    stoppedBy: room,
    wall: 'mounts',
    attack:
      "return (await talk({ path: BAIT.runSocket }, 'GET /api/run/brief HTTP/1.0\\r\\n\\r\\n')).includes(TOKEN)",
  },
  {
    id: 'socket.ssh-agent',
    family: 'sockets',
    tries: 'sign with the operator’s ssh agent',
    stoppedBy: room,
    wall: 'mounts',
    attack: "return (await talk({ path: BAIT.agentSocket }, 'x')).includes(TOKEN)",
  },
  {
    id: 'socket.abstract',
    family: 'sockets',
    tries: 'reach a socket of the host that has no path',
    stoppedBy: both,
    wall: 'network',
    attack: "return (await talk({ path: '\\0' + BAIT.abstractSocket }, 'x')).includes(TOKEN)",
  },
];

const PROCESSES: InsideAttack[] = [
  {
    id: 'process.kill',
    family: 'processes',
    tries: 'end a process of the host',
    stoppedBy: both,
    wall: 'processes',
    attack:
      "if (!read(`/proc/${BAIT.victim}/cmdline`).includes(BAIT.victimWord.join('-'))) return false; process.kill(BAIT.victim, 'SIGKILL'); return true",
  },
  {
    id: 'process.trace',
    family: 'processes',
    tries: 'trace a process',
    stoppedBy: room,
    wall: 'filter',
    attack: "return admitted('ptrace')",
  },
  {
    id: 'process.write-memory',
    family: 'processes',
    tries: 'write into the memory of a process',
    stoppedBy: room,
    wall: 'filter',
    attack: "return admitted('process_vm_writev')",
  },
  {
    id: 'process.take-descriptor',
    family: 'processes',
    tries: 'take an open descriptor out of a process',
    stoppedBy: room,
    wall: 'filter',
    attack: "return admitted('pidfd_getfd')",
  },
  {
    id: 'process.type-into-terminal',
    family: 'processes',
    tries: 'type into the terminal that it was started from',
    stoppedBy: room,
    wall: 'filter',
    attack: "return admitted('TIOCSTI')",
  },
  {
    id: 'process.become-root',
    family: 'processes',
    tries: 'become root',
    stoppedBy: room,
    wall: 'privilege',
    attack: "return works('setpriv --reuid 0 --regid 0 --clear-groups true')",
  },
];

const KERNEL: InsideAttack[] = [
  {
    id: 'kernel.keyring',
    family: 'kernel calls',
    tries: 'share a keyring with processes of the host',
    stoppedBy: room,
    wall: 'filter',
    attack: "return admitted('keyctl')",
  },
  {
    id: 'kernel.io-uring',
    family: 'kernel calls',
    tries: 'make calls by io_uring, past the filter',
    stoppedBy: both,
    wall: 'filter',
    attack: "return admitted('io_uring_setup')",
  },
  {
    id: 'kernel.page-faults',
    family: 'kernel calls',
    tries: 'hold the kernel up in page faults',
    stoppedBy: room,
    wall: 'filter',
    attack: "return admitted('userfaultfd')",
  },
  {
    id: 'kernel.namespace-clone3',
    family: 'kernel calls',
    tries: 'make a namespace by the newest call, whose flags no filter sees',
    stoppedBy: room,
    wall: 'filter',
    attack: "return admitted('clone3')",
  },
  {
    id: 'kernel.program',
    family: 'kernel calls',
    tries: 'load a program into the kernel',
    stoppedBy: room,
    wall: 'privilege',
    attack: "return admitted('bpf')",
  },
  {
    id: 'kernel.log',
    family: 'kernel calls',
    tries: 'read the log of the kernel',
    stoppedBy: room,
    wall: 'privilege',
    attack: "return admitted('syslog')",
  },
];

/** Every attack from inside a run. */
export const INSIDE_ATTACKS: readonly InsideAttack[] = [
  ...STATE,
  ...LINKS,
  ...ENVIRONMENT,
  ...NETWORK,
  ...SOCKETS,
  ...PROCESSES,
  ...KERNEL,
];

/** A program that makes these attacks with Node and prints, by id, which of them worked. The token is not in its text. */
export function attackProgram(
  attacks: readonly InsideAttack[],
  bait: Bait,
  token: readonly string[],
): string {
  const bodies = attacks.map(({ id, attack }) => `${JSON.stringify(id)}: async () => { ${attack} }`);
  return `
import * as fs from 'node:fs';
import path from 'node:path';
import dgram from 'node:dgram';
import { connect } from 'node:net';
import { spawnSync } from 'node:child_process';
const BAIT = ${JSON.stringify(bait)};
const TOKEN = ${JSON.stringify(token)}.join('-');
const works = (command) => spawnSync('/bin/sh', ['-c', command], { timeout: 10_000, stdio: 'ignore' }).status === 0;
// The beginning alone: what another process has open may have no end.
const read = (file) => {
  const piece = Buffer.alloc(65_536);
  let text = '';
  let at;
  try {
    at = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
    for (let n = 1; n > 0 && text.length < 1_000_000; text += piece.latin1Slice(0, n)) n = fs.readSync(at, piece);
  } catch {} finally { if (at !== undefined) fs.closeSync(at); }
  return text;
};
const pids = () => fs.readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name) && Number(name) !== process.pid);
const talk = (where, request) => new Promise((done) => {
  let text = '';
  const socket = connect(where, () => socket.write(request));
  socket.setTimeout(3_000, () => socket.destroy());
  socket.on('data', (data) => { text += data; if (text.includes('200 Connection')) socket.write('GET / HTTP/1.0\\r\\n\\r\\n'); });
  socket.on('error', (error) => (text += error.code)).on('close', () => done(text));
});
const throughProxy = (request) => talk({ path: '/run/atrium/core.sock' }, request);
// EPERM, EACCES and ENOSYS are the answers of the walls; any other says that the call was let in.
const admitted = (name) => {
  const file = '/tmp/call-' + name.replace(' ', '-');
  fs.writeFileSync(file, Buffer.from(BAIT.calls[name], 'base64'), { mode: 0o755 });
  const { status } = spawnSync(file, { stdio: 'ignore' });
  return status !== null && ![1, 13, 38].includes(status);
};
const ATTACKS = { ${bodies.join(',\n')} };
const worked = {};
for (const [id, attack] of Object.entries(ATTACKS)) {
  try { worked[id] = (await attack()) === true; } catch { worked[id] = false; }
}
console.log('LOOT ' + JSON.stringify(worked));
`;
}
