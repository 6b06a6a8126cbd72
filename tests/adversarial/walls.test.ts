import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readContracts } from '../../src-main/app/configuration.ts';
import { workspacePlaces } from '../../src-main/app/places.ts';
import { runUser } from '../../src-main/app/run-users.ts';
import type { BrandId, TicketId } from '../../src-main/contract/ids.ts';
import { sandboxProfile, type SandboxProfile } from '../../src-main/domain/sandbox-profile.ts';
import { buildArguments, type LaunchPlan } from '../../src-main/services/sandbox/arguments.ts';
import { chooseLimitKeeper } from '../../src-main/services/sandbox/limits.ts';
import { inspectMounts } from '../../src-main/services/sandbox/mounts.ts';
import { composeSandbox } from '../../src-main/services/sandbox/sandbox.ts';
import { laySiege, loot, nodeProgram, type Siege } from './siege.ts';
import { addBrand, appRoot, held, makePlace, nodePath } from '../support/workspace.ts';
import type { InProcessCore, TestPlace, TestRepository } from '../support/workspace.ts';

/**
 * What a run must not reach, one wall each. The same attacks are made from inside a ticket of the real core, where all fail,
 * and from inside the same profile with one wall taken away, where that one attack works and no other does. Whatever is
 * planted could be read and written by any user: what stops a run is its walls, not the modes of files.
 */

const TOKEN = 'token-that-stays-outside-58213';
const PASS = 'attack of the walls';

type Attack =
  | { kind: 'read'; path: string }
  | { kind: 'write'; path: string }
  | { kind: 'environment' }
  | { kind: 'tcp'; port: number }
  | { kind: 'socket'; path: string; request: string };

/** Makes every attack and prints which ones worked. */
const ATTACKER = `
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
const token = ['token-that', 'stays-outside-58213'].join('-');
const talk = (where, request) => new Promise((done) => {
  let text = '';
  const socket = connect(where, () => socket.write(request));
  socket.setTimeout(5000, () => socket.destroy());
  socket.on('data', (data) => (text += data)).on('error', (error) => (text += error.code)).on('close', () => done(text));
});
const tries = {
  read: ({ path }) => readFileSync(path, 'utf8'),
  write: ({ path }) => { writeFileSync(path, 'planted'); return token; },
  environment: () => [JSON.stringify(process.env), ...readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name)).map((pid) => {
    try { return readFileSync('/proc/' + pid + '/environ', 'utf8'); } catch (error) { return error.code; }
  })].join(' '),
  tcp: ({ port }) => talk({ port, host: '127.0.0.1' }, 'GET / HTTP/1.0\\r\\n\\r\\n'),
  socket: ({ path, request }) => talk({ path }, request),
};
const worked = {};
for (const [name, attack] of Object.entries(ATTACKS)) {
  try { worked[name] = (await tries[attack.kind](attack)).includes(token); } catch (error) { worked[name] = false; }
}
console.log('LOOT ' + JSON.stringify(worked));
`;

describe('from inside a run', () => {
  let place: TestPlace;
  let core: InProcessCore;
  let siege: Siege;
  let acme: TestRepository;
  let beta: TestRepository;
  let neighbour: TicketId;
  let server: Server;
  let operatorDoor: Server;
  const attacks: Record<string, Attack> = {};
  const realHome = process.env['HOME'];

  const plant = (...segments: string[]): string => {
    const file = path.join(place.around, ...segments);
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o755 });
    writeFileSync(file, TOKEN, { mode: 0o644 });
    return file;
  };
  const listen = (where: string | number): Promise<Server> =>
    new Promise((resolve) => {
      const made = createServer((socket) => {
        socket.on('error', () => undefined);
        socket.once('data', () => socket.end(`HTTP/1.0 200 OK\r\n\r\n${TOKEN}`));
      });
      if (typeof where === 'string') made.listen(where, () => resolve(made));
      else made.listen(where, '127.0.0.1', () => resolve(made));
    });
  const command = () => nodeProgram(`const ATTACKS = ${JSON.stringify(attacks)};\n${ATTACKER}`);

  beforeAll(async () => {
    place = makePlace();
    process.env['HOME'] = path.join(place.around, 'home');
    process.env['ATRIUM_TEST_PLANTED'] = TOKEN;
    acme = place.repository('acme-shop', { 'a/one.txt': 'one\n' });
    // By its name it is nobody's words: the exits let a brief pass that holds them, and the walls alone are tried.
    beta = place.repository('beta-shop', { 'b.txt': 'b\n', 'LICENSE-secret': TOKEN });
    core = await place.open();
    siege = laySiege(core);
    await addBrand(core.client, 'acme', acme.path);
    await addBrand(core.client, 'beta', beta.path);
    const state = path.join(place.workspace, '.atrium');
    operatorDoor = await listen(
      (mkdirSync(path.join(state, 'planted')), path.join(state, 'planted', 'core.sock')),
    );
    chmodSync(path.join(state, 'planted', 'core.sock'), 0o666);
    server = await listen(0);
    execFileSync('chmod', ['-R', 'a+rwX', path.join(acme.path, '.git')]);

    // Another run of the same brand and so of the same user, alive for as long as this takes.
    const other = await siege.order('acme', {
      title: `Neighbour ${TOKEN}`,
      paths: ['other/**'],
      acceptance: ['true'],
      command: 'echo alive; while [ ! -e go ]; do sleep 0.2; done; exit 1',
    });
    neighbour = other.id;
    await siege.untilSaid(other.id, 'alive');
    const sockets = readFileSync(path.join(state, 'sockets.path'), 'utf8');
    chmodSync(sockets, 0o711);
    const [socket] = execFileSync('ls', [sockets], { encoding: 'utf8' }).trim().split('\n');
    const address = server.address();

    Object.assign(attacks, {
      'the repository of another brand': { kind: 'read', path: path.join(beta.path, 'LICENSE-secret') },
      'a checkout of another brand': {
        kind: 'read',
        path: plant('workspace', 'checkouts', 'beta', 'planted', 'secret'),
      },
      'a home of another brand': {
        kind: 'read',
        path: plant('workspace', 'homes', 'beta', 'planted', 'secret'),
      },
      'the wiki of another brand': { kind: 'read', path: plant('workspace', 'wiki', 'beta', 'planted.md') },
      'the state': { kind: 'read', path: plant('workspace', '.atrium', 'planted', 'secret') },
      'the home of the operator': { kind: 'read', path: plant('home', '.ssh', 'id_ed25519') },
      'the environment of the core': { kind: 'environment' },
      'a port of the host': { kind: 'tcp', port: typeof address === 'object' ? (address?.port ?? 0) : 0 },
      'the door of the operator': {
        kind: 'socket',
        path: path.join(state, 'planted', 'core.sock'),
        request: 'x',
      },
      'the socket of another run': {
        kind: 'socket',
        path: path.join(sockets, socket ?? ''),
        request: 'GET /api/run/brief HTTP/1.0\r\n\r\n',
      },
      'the hooks of the host repository': {
        kind: 'write',
        path: path.join(acme.path, '.git', 'hooks', 'post-commit'),
      },
      'the objects of the host repository': { kind: 'write', path: '/opt/atrium/base/planted' },
    } satisfies Record<string, Attack>);
  });

  afterAll(async () => {
    await siege.end();
    await core.close();
    server.close();
    operatorDoor.close();
    place.remove();
    delete process.env['ATRIUM_TEST_PLANTED'];
    if (realHome === undefined) delete process.env['HOME'];
    else process.env['HOME'] = realHome;
  });

  test('[B2] [C3] a ticket reaches nothing of another brand, of the state, of the operator, of the host or of another run', async () => {
    const attempted = await siege.attack('acme', {
      title: PASS,
      paths: ['a/**'],
      acceptance: ['true'],
      command: command(),
    });
    const worked = loot<Record<string, boolean>>(attempted);
    expect(worked).toEqual(Object.fromEntries(Object.keys(attacks).map((name) => [name, false])));
    expect(held(await core.client.ticket.show({ id: neighbour })).state).toBe('in_progress');
  });

  describe('with one wall taken away, that attack works and no other', () => {
    /** The profile of a run of acme, as the core composes it. */
    const profile = (): SandboxProfile => {
      const contract = held(readContracts(path.join(place.workspace, 'agents'))).find(
        ({ name }) => name === 'ticket-executor',
      );
      if (contract === undefined) throw new Error('there is no contract ticket-executor');
      const identity = runUser(workspacePlaces(place.workspace), 'acme' as BrandId);
      const folder = (name: string): string => {
        const made = path.join(place.around, 'control', name);
        mkdirSync(made, { recursive: true });
        if (identity) chownSync(made, identity.uid, identity.gid);
        return made;
      };
      return sandboxProfile(contract, {
        name: 'control',
        checkout: folder('checkout'),
        baseObjects: path.join(acme.path, '.git', 'objects'),
        prepared: [],
        tools: path.join(appRoot, 'resources', 'run'),
        home: folder('home'),
        socket: null,
        ticket: null,
        base: null,
        limits: { memoryMb: 1024, processes: 128, temporaryMb: 64 },
        trust: {},
        sealed: false,
        ports: [],
        identity,
        program: { mounts: [], environment: {} },
      });
    };
    const attackWith = async (
      change: (profile: SandboxProfile) => SandboxProfile,
      plan: (plan: LaunchPlan) => LaunchPlan = (same) => same,
    ): Promise<string[]> => {
      const sandbox = composeSandbox(
        {
          nodePath,
          forwarderPath: path.join(appRoot, 'out', 'native', 'forwarder'),
          proberPath: path.join(appRoot, 'resources', 'run', 'prober.mjs'),
          landlockPath: path.join(appRoot, 'out', 'native', 'landlock'),
          stateDir: path.join(place.around, 'control', 'state'),
        },
        {
          buildArguments: (input) => plan(buildArguments(input)),
          inspectMounts,
          chooseLimitKeeper: () => chooseLimitKeeper({ mountinfo: '', membership: '', watchIntervalMs: 250 }),
          // The room by itself: what the kernel layer stops as well is in the matrix.
          kernelLayer: () => null,
        },
      );
      try {
        const ended = await sandbox.run(change(profile()), ['/bin/sh', '-c', command()], {
          timeoutMs: 60_000,
          maxOutputBytes: 1024 * 1024,
        });
        const output = ended.stdout.toString();
        const worked = JSON.parse(
          /^LOOT (.*)$/m.exec(output)?.[1] ?? `{"${ended.stderr.toString()}":true}`,
        ) as Record<string, boolean>;
        return Object.keys(worked).filter((name) => worked[name]);
      } finally {
        await sandbox.close();
      }
    };
    const mounted =
      (access: 'read' | 'write', ...segments: string[]) =>
      (whole: SandboxProfile): SandboxProfile => {
        const folder = path.join(place.around, ...segments);
        return {
          ...whole,
          mounts: [...whole.mounts, { kind: 'bind', source: folder, target: folder, access }],
        };
      };
    /** As root the launcher unshares the network by name, as an ordinary user with everything else. */
    const withNetwork = (plan: LaunchPlan): LaunchPlan => ({
      ...plan,
      options: plan.options.includes('--unshare-net')
        ? plan.options.filter((option) => option !== '--unshare-net')
        : plan.options.flatMap((option) => (option === '--unshare-all' ? [option, '--share-net'] : [option])),
    });

    test('none taken away: nothing works', async () => {
      expect(await attackWith((whole) => whole)).toEqual([]);
    });

    test.each<[string, () => Promise<string[]>]>([
      ['the repository of another brand', () => attackWith(mounted('read', 'beta-shop'))],
      [
        'a checkout of another brand',
        () => attackWith(mounted('read', 'workspace', 'checkouts', 'beta', 'planted')),
      ],
      ['a home of another brand', () => attackWith(mounted('read', 'workspace', 'homes', 'beta', 'planted'))],
      ['the wiki of another brand', () => attackWith(mounted('read', 'workspace', 'wiki', 'beta'))],
      ['the home of the operator', () => attackWith(mounted('read', 'home', '.ssh'))],
      [
        'the environment of the core',
        () =>
          attackWith((whole) => ({
            ...whole,
            environment: { ...whole.environment, ATRIUM_TEST_PLANTED: TOKEN },
          })),
      ],
      ['a port of the host', () => attackWith((whole) => whole, withNetwork)],
      [
        'the socket of another run',
        () => {
          const attack = attacks['the socket of another run'];
          const folder = attack?.kind === 'socket' ? path.dirname(attack.path) : '';
          return attackWith((whole) => ({
            ...whole,
            mounts: [...whole.mounts, { kind: 'bind', source: folder, target: folder, access: 'read' }],
          }));
        },
      ],
      ['the hooks of the host repository', () => attackWith(mounted('write', 'acme-shop', '.git', 'hooks'))],
      [
        'the objects of the host repository',
        () =>
          attackWith((whole) => ({
            ...whole,
            mounts: whole.mounts.map((mount) =>
              mount.kind === 'bind' && mount.target === '/opt/atrium/base'
                ? { ...mount, access: 'write' }
                : mount,
            ),
          })),
      ],
    ])('%s', async (name, attack) => {
      expect(await attack()).toEqual([name]);
      rmSync(path.join(acme.path, '.git', 'hooks', 'post-commit'), { force: true });
      rmSync(path.join(acme.path, '.git', 'objects', 'planted'), { force: true });
    });

    test('the state, and with it the door of the operator', async () => {
      expect(await attackWith(mounted('read', 'workspace', '.atrium', 'planted'))).toEqual([
        'the state',
        'the door of the operator',
      ]);
    });
  });
});
