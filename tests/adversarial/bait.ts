import { execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createSocket } from 'node:dgram';
import {
  chmodSync,
  chownSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { syscallProgram } from '../../src-main/services/sandbox/syscall-program.ts';
import type { TestPlace, TestRepository } from '../support/workspace.ts';
import type { Bait } from './inside.ts';

const TOKEN_PARTS = ['token-that', 'stays-outside-58213'] as const;
/** What every planted thing answers with or holds; programs of attacks put it together from its parts. */
export const TOKEN = { parts: TOKEN_PARTS, text: TOKEN_PARTS.join('-') };

const architecture = process.arch === 'arm64' ? 'arm64' : 'x64';
const MS_REMOUNT_BIND = 0x1020;
const TIOCSTI = 0x5412;
const call = (
  ...of: Parameters<typeof syscallProgram> extends [unknown, ...infer Rest] ? Rest : never
): string => syscallProgram(architecture, ...of).toString('base64');

/** One system call each, with arguments that do no harm where it is let in. */
const CALLS: Record<string, string> = {
  ptrace: call('ptrace', [0]),
  process_vm_writev: call('process_vm_writev', [1, 0, 0, 0, 0, 0]),
  pidfd_getfd: call('pidfd_getfd', [-1, 0, 0]),
  TIOCSTI: call('ioctl', [0, 0x1_0000_0000 + TIOCSTI, 'x']),
  keyctl: call('keyctl', [0, -3, 1]),
  io_uring_setup: call('io_uring_setup', [1, 0]),
  userfaultfd: call('userfaultfd', [1]),
  clone3: call('clone3', [0, 0]),
  vsock: call('socket', [40, 1, 0]),
  'packet socket': call('socket', [17, 3, 0]),
  open_tree: call('open_tree', [-100, '/work', 0]),
  mount: call('mount', ['none', '/tmp', 'tmpfs', 0, 0]),
  remount: call('mount', ['none', '/opt/atrium/base', 0, MS_REMOUNT_BIND, 0]),
  chroot: call('chroot', ['/tmp']),
  open_by_handle_at: call('open_by_handle_at', [-100, 0, 0]),
  bpf: call('bpf', [0, 0, 0]),
  syslog: call('syslog', [10, 0, 0]),
};

/** Bait on the host, and what was laid for it. */
export interface LaidBait {
  bait: Bait;
  /** Folders that hold planted files and sockets: mounted, they are what `mounts` keeps away. */
  folders: string[];
  remove(): void;
}

/**
 * Plants what attacks go for in the real places of a workspace. Every user could read and write it: what stops a run is its
 * walls, not the modes of files.
 *
 * @param identity the user that runs become, null where they have the core's
 */
export async function layBait(
  place: TestPlace,
  repositories: { own: TestRepository; other: TestRepository },
  identity: { uid: number; gid: number } | null,
  runSocket: string,
): Promise<LaidBait> {
  const folders: string[] = [];
  const open: { close(): unknown }[] = [];
  const folder = (...parts: string[]): string => {
    const made = path.join(place.around, ...parts);
    mkdirSync(made, { recursive: true });
    folders.push(made);
    return made;
  };
  const file = (name: string, text: string): string => {
    writeFileSync(name, text);
    return name;
  };
  const answer = (server: Server): Server =>
    server.on('connection', (socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end(`HTTP/1.0 200 OK\r\n\r\n${TOKEN.text}`));
    });
  const listen = (where: string | number): Promise<Server> =>
    new Promise((resolve) => {
      const server = answer(createServer());
      open.push(server);
      if (typeof where === 'string') server.listen(where, () => resolve(server));
      else server.listen(where, '127.0.0.1', () => resolve(server));
    });

  const state = folder('workspace', '.atrium', 'planted');
  const database = new DatabaseSync(path.join(state, 'state.db'));
  database.exec(
    "CREATE TABLE tickets (id TEXT, state TEXT); INSERT INTO tickets VALUES ('T-acme-1', 'draft')",
  );
  database.close();
  file(path.join(state, 'transcript.jsonl'), '{}\n');
  await listen(path.join(state, 'core.sock'));
  const ofBrand = folder('workspace', 'brands', 'acme', 'planted');
  const keys = folder('home', '.ssh');
  await listen(path.join(keys, 'agent.sock'));
  const tcp = await listen(0);
  const abstractSocket = `atrium-planted-${process.pid}-${Date.now()}`;
  await listen(`\0${abstractSocket}`);
  const datagrams = createSocket('udp4');
  datagrams.on('message', (_text, from) => datagrams.send(TOKEN.text, from.port, from.address));
  await new Promise<void>((resolve) => datagrams.bind(0, '127.0.0.1', resolve));
  open.push(datagrams);

  const anywhere = mkdtempSync(path.join(tmpdir(), 'atrium-planted-'));
  chmodSync(anywhere, 0o755);
  const publicSecret = file(path.join(anywhere, 'secret'), TOKEN.text);
  const refs = path.join(repositories.own.path, '.git', 'refs', 'heads');
  const hooks = path.join(repositories.own.path, '.git', 'hooks');
  mkdirSync(hooks, { recursive: true });
  folders.push(refs, hooks, repositories.other.path, path.dirname(runSocket));
  const victim = startVictim(identity, publicSecret);
  const bait: Bait = {
    state,
    tickets: file(path.join(ofBrand, 'tickets.jsonl'), '{"state":"draft"}\n'),
    brandFile: file(path.join(ofBrand, 'brand.yaml'), 'checks:\n  test: npm test\n'),
    contract: file(path.join(folder('workspace', 'agents', 'planted'), 'executor.md'), 'network: ticket\n'),
    mainRef: path.join(refs, 'planted'),
    hooks,
    otherBrand: file(path.join(repositories.other.path, 'secret.txt'), TOKEN.text),
    wiki: file(path.join(folder('workspace', 'wiki', 'acme', 'planted'), 'page.md'), '# Page\n'),
    home: file(path.join(keys, 'id_ed25519'), TOKEN.text),
    agentSocket: path.join(keys, 'agent.sock'),
    runSocket,
    tcpPort: (tcp.address() as AddressInfo).port,
    udpPort: datagrams.address().port,
    abstractSocket,
    victim: victim.pid,
    victimWord: victim.word,
    publicSecret,
    calls: CALLS,
  };
  execFileSync('chmod', ['-R', 'a+rwX', ...folders]);
  chmodSync(path.join(repositories.own.path, '.git', 'objects'), 0o777);
  return {
    bait,
    folders,
    remove() {
      victim.end();
      for (const each of open) each.close();
      rmSync(anywhere, { recursive: true, force: true });
    },
  };
}

/** A process of the host that attacks go for. */
export interface Victim {
  pid: number;
  /** Only its own command line has it, joined by a dash. */
  word: readonly [string, string];
  end(): void;
}

/** Starts a process of the run's user on the host, with a secret among its variables and a file open as descriptor 3. */
export function startVictim(identity: { uid: number; gid: number } | null, held: string): Victim {
  const word = ['argument-of-the-host', randomUUID()] as const;
  const descriptor = openSync(held, 'r');
  const victim = spawn('/bin/sh', ['-c', 'cat; true', word.join('-')], {
    env: { OF_ANOTHER: TOKEN.text },
    stdio: ['pipe', 'ignore', 'ignore', descriptor],
    ...(identity ?? {}),
  });
  closeSync(descriptor);
  if (victim.pid === undefined) throw new Error('The process that attacks go for did not start.');
  return { pid: victim.pid, word, end: () => void victim.kill('SIGKILL') };
}

/** Gives a folder of a test to the user that runs become. */
export function ownedFolder(folder: string, identity: { uid: number; gid: number } | null): string {
  mkdirSync(folder, { recursive: true });
  if (identity) chownSync(folder, identity.uid, identity.gid);
  return folder;
}
