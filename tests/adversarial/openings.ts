import { chmodSync, chownSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer, connect as connectTo, type Socket } from 'node:net';
import path from 'node:path';
import { RunCall } from '../../src-main/contract/config.ts';
import type { AgentContract } from '../../src-main/contract/config.ts';
import { sandboxProfile, type SandboxProfile } from '../../src-main/domain/sandbox-profile.ts';
import { openRunGateway } from '../../src-main/services/gateway/index.ts';
import { buildArguments, type LaunchPlan } from '../../src-main/services/sandbox/arguments.ts';
import { kernelLayerAt } from '../../src-main/services/sandbox/kernel-layer.ts';
import { chooseLimitKeeper } from '../../src-main/services/sandbox/limits.ts';
import { composeSandbox } from '../../src-main/services/sandbox/sandbox.ts';
import { appRoot, nodePath } from '../support/workspace.ts';
import { ownedFolder } from './bait.ts';
import type { Wall } from './inside.ts';

const landlockPath = path.join(appRoot, 'out', 'native', 'landlock');

/** Where a room without `mounts` shows what it should keep away: in no tree that a run may write. */
export const SHOWN_AT = '/shown';

/** Where a room is composed that lacks a wall, and from what. */
export interface Site {
  /** A folder of its own that no planted folder holds. */
  root: string;
  contract: AgentContract;
  baseObjects: string;
  identity: { uid: number; gid: number } | null;
  /** What `mounts` keeps away. */
  folders: readonly string[];
  /** A port of the host that answers. */
  tcpPort: number;
  /** Whether the kernel layer stands behind the room. */
  kernel: boolean;
}

/** What is open where a wall is taken away: who has privilege is past the filter too, who has no list is past addresses. */
export function opened(wall: Wall | null): readonly Wall[] {
  if (wall === null) return [];
  if (wall === 'privilege') return ['privilege', 'filter'];
  return wall === 'network list' ? ['network list', 'addresses'] : [wall];
}

/** Without the filter it is the kernel's version that decides which calls still need privilege. */
export function undecided(wall: Wall | null): readonly Wall[] {
  return wall === 'filter' ? ['privilege'] : [];
}

/** Walls that only root can take away without others. */
export const TAKEN_BY_ROOT: readonly Wall[] = ['processes', 'privilege', 'sysctl'];

/** Takes options with their values out of a plan; what is not there in this mode stays away. */
function without(plan: LaunchPlan, ...walls: readonly string[][]): LaunchPlan {
  const options = [...plan.options];
  for (const words of walls) {
    const at = options.findIndex((_, index) =>
      words.every((word, offset) => options[index + offset] === word),
    );
    if (at >= 0) options.splice(at, words.length);
  }
  return { ...plan, options };
}

function openPlan(plan: LaunchPlan, wall: Wall | null, site: Site): LaunchPlan {
  const noFilter = [['--seccomp', '4'], ['--disable-userns']];
  switch (wall) {
    case 'network':
      return plan.options.includes('--unshare-net')
        ? without(plan, ['--unshare-net'])
        : {
            ...plan,
            options: plan.options.flatMap((one) => (one === '--unshare-all' ? [one, '--share-net'] : [one])),
          };
    case 'processes':
      return without(plan, ['--unshare-pid']);
    case 'filter':
      return without(plan, ...noFilter);
    case 'privilege': {
      const kept = ['CAP_SETUID', 'CAP_SETGID', 'CAP_SETPCAP'].map((name) => ['--cap-add', name]);
      const open = without(plan, ...noFilter, ['--cap-drop', 'ALL'], ...kept);
      return { ...open, command: plan.command.slice(plan.command.indexOf('--') + 1) };
    }
    case 'sysctl': {
      const settings = path.join(ownedFolder(path.join(site.root, 'sys'), site.identity), 'kernel');
      ownedFolder(settings, site.identity);
      writeFileSync(path.join(settings, 'hostname'), 'host');
      chmodSync(path.join(settings, 'hostname'), 0o666);
      const at = plan.options.findIndex(
        (word, index) => word === '--ro-bind' && plan.options[index + 1] === '/proc/sys',
      );
      return { ...plan, options: plan.options.with(at, '--bind').with(at + 1, path.dirname(settings)) };
    }
    default:
      return plan;
  }
}

function openProfile(profile: SandboxProfile, wall: Wall | null, site: Site): SandboxProfile {
  const bind = (folder: string) =>
    ({ kind: 'bind', source: folder, target: `${SHOWN_AT}${folder}`, access: 'write' }) as const;
  if (wall === 'mounts') return { ...profile, mounts: [...profile.mounts, ...site.folders.map(bind)] };
  if (wall === 'environment') {
    const environment = { ...process.env, ...profile.environment } as Record<string, string>;
    return { ...profile, environment };
  }
  if (wall !== 'read-only') return profile;
  return {
    ...profile,
    mounts: profile.mounts.map((mount) => (mount.kind === 'bind' ? { ...mount, access: 'write' } : mount)),
  };
}

/** The run's socket: as shipped, or one that looks at no list, or at no addresses. */
async function openSocket(wall: Wall | null, site: Site): Promise<{ path: string; close(): Promise<void> }> {
  const folder = path.join(site.root, 's');
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  if (wall === 'network list') {
    const file = path.join(folder, 'open.sock');
    const clients = new Set<Socket>();
    const server = createServer((client) => {
      clients.add(client);
      client.on('error', () => client.destroy());
      client.once('data', (head: Buffer) => {
        const onward = connectTo(site.tcpPort, '127.0.0.1', () => {
          if (head.toString('latin1').startsWith('CONNECT'))
            client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
          else onward.write(head);
          client
            .pipe(onward)
            .pipe(client)
            .on('close', () => onward.destroy());
        });
        onward.on('error', () => client.destroy());
      });
    });
    await new Promise<void>((resolve) => server.listen(file, resolve));
    if (site.identity) chownSync(file, site.identity.uid, site.identity.gid);
    return {
      path: file,
      close: () =>
        new Promise((done) => {
          server.close(() => done());
          for (const client of clients) client.destroy();
        }),
    };
  }
  const taken = () => Promise.resolve({ ok: true as const, value: null });
  const gateway = await openRunGateway({
    folder,
    owner: site.identity,
    run: {
      id: 'R-acme-control',
      role: 'ticket-executor',
      ticket: null,
      brand: 'acme',
      calls: RunCall.options,
    },
    reports: { result: taken, verdict: taken, progress: taken, comment: taken, brief: () => '' },
    network: ['listed.example', `localhost:${site.tcpPort}`],
    models: [],
    stopped: () => null,
    budget: () => ({ allowed: true, reason: '' }),
    onUsage: () => undefined,
    onDecision: () => undefined,
    clock: { now: () => performance.now() },
    ...(wall === 'addresses'
      ? { dns: { resolve: () => Promise.resolve(['127.0.0.1']), allowPrivate: true } }
      : {}),
  });
  return { path: gateway.socketPath, close: () => gateway.close() };
}

/** The output of a command in the room that a run of this contract would have, with one wall taken away. */
export async function runWithout(wall: Wall | null, site: Site, command: string): Promise<string> {
  const tools = ownedFolder(path.join(site.root, 'tools'), site.identity);
  cpSync(path.join(appRoot, 'resources', 'run'), tools, { recursive: true });
  ownedFolder(path.join(tools, 'bin'), site.identity);
  const socket = await openSocket(wall, site);
  const profile = sandboxProfile(site.contract, {
    name: 'control',
    checkout: ownedFolder(path.join(site.root, 'checkout'), site.identity),
    baseObjects: site.baseObjects,
    prepared: [],
    tools,
    home: ownedFolder(path.join(site.root, 'home'), site.identity),
    socket: socket.path,
    ticket: null,
    base: null,
    limits: { memoryMb: 1024, processes: 256, temporaryMb: 64 },
    trust: {},
    sealed: false,
    ports: [],
    identity: site.identity,
    program: { mounts: [], environment: {} },
  });
  const sandbox = composeSandbox(
    {
      nodePath,
      forwarderPath: path.join(appRoot, 'out', 'native', 'forwarder'),
      proberPath: path.join(appRoot, 'resources', 'run', 'prober.mjs'),
      landlockPath,
      stateDir: path.join(site.root, 'state'),
    },
    {
      buildArguments: (input) => openPlan(buildArguments(input), wall, site),
      inspectMounts: () => undefined,
      chooseLimitKeeper: () => chooseLimitKeeper({ mountinfo: '', membership: '', watchIntervalMs: 250 }),
      kernelLayer: site.kernel ? kernelLayerAt(landlockPath) : () => null,
    },
  );
  try {
    const ended = await sandbox.run(openProfile(profile, wall, site), ['/bin/sh', '-c', command], {
      timeoutMs: 90_000,
      maxOutputBytes: 1024 * 1024,
    });
    return `${ended.stdout.toString()}\n${ended.stderr.toString()}`;
  } finally {
    await sandbox.close();
    await socket.close();
  }
}
