import { spawn, type ChildProcess } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createExits, type Exits } from '../../src-main/app/exits/exits.ts';
import { type LayerParts, layerParts } from '../../src-main/app/layers/layer-parts.ts';
import { LayerName } from '../../src-main/contract/layers.ts';
import type { AgentContract } from '../../src-main/contract/config.ts';
import type { Brand } from '../../src-main/app/brand.ts';
import { sandboxProfile } from '../../src-main/domain/sandbox-profile.ts';
import { buildArguments, type LaunchPlan } from '../../src-main/services/sandbox/arguments.ts';
import { kernelLayerAt } from '../../src-main/services/sandbox/kernel-layer.ts';
import { chooseLimitKeeper } from '../../src-main/services/sandbox/limits.ts';
import { inspectMounts } from '../../src-main/services/sandbox/mounts.ts';
import { composeSandbox } from '../../src-main/services/sandbox/sandbox.ts';
import { addBrand, appRoot, held, makePlace, nodePath } from '../support/workspace.ts';
import type { TestPlace } from '../support/workspace.ts';

/**
 * The matrix of `docs/walls.md`, attempt by attempt and with every set of layers absent. What needs a process is done by one
 * inside the walls of the sealed brand, four times: with and without the room's walls, with and without the kernel's. The call
 * and the exits answer as they do in a run.
 */
const WORDS =
  'buy when the seven day average crosses above the thirty day average and volume doubles within two sessions';
const FOREIGN =
  'the catalogue lists every release with its date and the artists who made it in the order of their names';
const USER = { uid: 51_236, gid: 51_236 };
/** Where the room shows the other brand's folder, once it is open. */
const SHOWN = '/foreign';

type Raw = Record<
  'read' | 'list' | 'write' | 'shorten' | 'environment' | 'tcp' | 'datagram' | 'abstract' | 'signal',
  boolean
>;

const ATTACKER = `
import { createSocket } from 'node:dgram';
import fs from 'node:fs';
import net from 'node:net';
const did = (action) => { try { return action() !== false; } catch { return false; } };
const connects = (where) => new Promise((done) => {
  const socket = net.connect(where, () => { socket.destroy(); done(true); });
  socket.setTimeout(3000, () => { socket.destroy(); done(false); });
  socket.on('error', () => done(false));
});
const sends = () => new Promise((done) => {
  try {
    const socket = createSocket('udp4');
    socket.on('error', () => done(false));
    socket.once('message', () => { socket.close(); done(true); });
    socket.send('words', BAIT.udp, '127.0.0.1', (error) => error && done(false));
    setTimeout(() => done(false), 1500).unref();
  } catch { done(false); }
});
const raw = {
  read: did(() => fs.readFileSync('${SHOWN}/secret.txt', 'utf8').includes('catalogue')),
  list: did(() => fs.readdirSync('${SHOWN}').includes('secret.txt')),
  write: did(() => fs.writeFileSync('${SHOWN}/planted', 'words')),
  shorten: did(() => fs.truncateSync('${SHOWN}/long.txt', 1)),
  environment: did(() => fs.readFileSync('/proc/' + BAIT.pid + '/environ', 'utf8').includes('MATRIX_SECRET')),
  tcp: await connects({ host: '127.0.0.1', port: BAIT.tcp }),
  datagram: await sends(),
  abstract: await connects({ path: '\\0' + BAIT.abstract }),
  signal: did(() => process.kill(BAIT.pid, 0)),
};
console.log('RAW ' + JSON.stringify(raw));
process.exit(0);
`;

// The room is taken apart with root's help; an ordinary core has it in another shape.
describe.runIf(process.getuid?.() === 0)('[B4] the matrix of attempts and layers, for a sealed brand', () => {
  let place: TestPlace;
  let foreign: string;
  let victim: ChildProcess;
  const servers: Server[] = [];
  let udp: Socket;
  const raws = new Map<string, Raw>();
  let decides: (tool: string, paths: string[]) => boolean;
  let exits: Exits;
  let auditStops: boolean;

  const listen = (where: { port: number; host: string } | { path: string }): Promise<Server> =>
    new Promise((resolve) => {
      const server = createServer((socket) => socket.destroy());
      servers.push(server);
      server.listen(where, () => resolve(server));
    });
  const folder = (name: string): string => {
    const made = path.join(place.around, name);
    mkdirSync(made, { recursive: true });
    chownSync(made, USER.uid, USER.gid);
    return made;
  };

  /** Everything foreign shown and changeable, the machine's network and processes. */
  const opened = (plan: LaunchPlan): LaunchPlan => {
    const options = plan.options.filter((option) => !['--unshare-net', '--unshare-pid'].includes(option));
    const at = options.findIndex((word, index) => word === '--remount-ro' && options[index + 1] === '/');
    return { ...plan, options: [...options.slice(0, at), '--bind', foreign, SHOWN, ...options.slice(at)] };
  };

  const attack = async (
    contract: AgentContract,
    present: { room: boolean; kernel: boolean },
    bait: object,
  ) => {
    writeFileSync(path.join(foreign, 'long.txt'), 'long', { mode: 0o666 });
    chmodSync(path.join(foreign, 'long.txt'), 0o666);
    const options = {
      nodePath,
      forwarderPath: path.join(appRoot, 'out', 'native', 'forwarder'),
      proberPath: path.join(appRoot, 'resources', 'run', 'prober.mjs'),
      landlockPath: path.join(appRoot, 'out', 'native', 'landlock'),
      stateDir: path.join(place.around, 'state'),
    };
    const layer = kernelLayerAt(options.landlockPath);
    const sandbox = composeSandbox(options, {
      buildArguments: (input) => (present.room ? buildArguments(input) : opened(buildArguments(input))),
      inspectMounts,
      chooseLimitKeeper: () => chooseLimitKeeper({ mountinfo: '', membership: '', watchIntervalMs: 250 }),
      kernelLayer: () => (present.kernel ? layer() : null),
    });
    const profile = sandboxProfile(contract, {
      ...{ name: 'matrix', checkout: folder('checkout'), baseObjects: folder('base'), home: folder('home') },
      ...{
        prepared: [],
        tools: path.join(appRoot, 'resources', 'run'),
        socket: null,
        ticket: null,
        base: null,
      },
      ...{ limits: { memoryMb: 1024, processes: 128, temporaryMb: 64 }, trust: {}, identity: USER },
      ...{ sealed: true, ports: [], program: { mounts: [], environment: {} } },
    });
    try {
      const ended = await sandbox.run(profile, ['/opt/node/bin/node', '--input-type=module', '-'], {
        ...{ timeoutMs: 60_000, maxOutputBytes: 1024 * 1024 },
        stdin: `const BAIT = ${JSON.stringify(bait)};\n${ATTACKER}`,
      });
      const line = /^RAW (.*)$/m.exec(ended.stdout.toString())?.[1];
      if (line === undefined) throw new Error(`the attacker did not run: ${ended.stderr.toString()}`);
      return JSON.parse(line) as Raw;
    } finally {
      await sandbox.close();
    }
  };

  beforeAll(async () => {
    place = makePlace();
    // What the core's own layers answer is taken from a core of this workspace, as it composes them.
    let brands: readonly Brand[] = [];
    const taken: { exits?: Exits } = {};
    const spied: LayerParts = {
      ...layerParts,
      exits: (of) => {
        taken.exits = createExits(of);
        return {
          ...taken.exits,
          refresh: () => {
            brands = of();
            return taken.exits?.refresh() ?? Promise.resolve();
          },
        };
      },
    };
    const core = await place.open(spied);
    await addBrand(core.client, 'label', place.repository('label', { 'notes.txt': `${FOREIGN}\n` }).path);
    await addBrand(core.client, 'quant', place.repository('quant', { 'q.txt': `${WORDS}\n` }).path, {
      sealed: true,
    });
    const proof = held(await core.client.guard.prove({ brand: 'quant' }));
    const audited = proof.brands[0]?.layers.find(({ layer }) => layer === 'exit')?.canaries[0];
    auditStops = audited?.denied === true && audited.name.includes('outside its ticket');
    const quant = brands.find(({ id }) => id === 'quant');
    if (quant === undefined || taken.exits === undefined) throw new Error('the core has no brand quant');
    exits = taken.exits;
    const contract = held(quant.contract('ticket-executor'));
    const policy = quant.guard.policy(contract);
    const geography = {
      ...{ brand: 'quant', workspace: '/nowhere', checkouts: ['/work'] },
      inTicket: (file: string) => file === 'q.txt',
    };
    decides = (tool, paths) =>
      layerParts.decide(policy, { tool, paths, text: '' }, '/work', geography).decision === 'allow';

    foreign = folder('foreign');
    chmodSync(foreign, 0o777);
    writeFileSync(path.join(foreign, 'secret.txt'), `${FOREIGN}\n`);
    victim = spawn('/bin/cat', [], {
      ...USER,
      env: { MATRIX_SECRET: 'x' },
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    await new Promise((resolve) => victim.once('spawn', resolve));
    const tcp = (await listen({ port: 0, host: '127.0.0.1' })).address();
    const abstract = `atrium-matrix-${process.pid}`;
    await listen({ path: `\0${abstract}` });
    udp = createSocket('udp4');
    udp.on('message', (_data, from) => udp.send('heard', from.port, from.address));
    await new Promise<void>((resolve) => udp.bind(0, '127.0.0.1', resolve));
    const bait = {
      ...{ pid: victim.pid, tcp: typeof tcp === 'object' ? tcp?.port : 0, abstract },
      udp: udp.address().port,
    };
    for (const room of [true, false])
      for (const kernel of [true, false])
        raws.set(`${room} ${kernel}`, await attack(contract, { room, kernel }, bait));
    await core.close();
  }, 240_000);
  afterAll(() => {
    victim.kill();
    for (const server of servers) server.close();
    udp.close();
    place.remove();
  });

  /** Whether an attempt works with these layers: each step is done, or stopped, by what really stops it. */
  const attempts: Record<string, (raw: Raw, has: (layer: LayerName) => boolean) => boolean> = {
    'foreign write: a file of another brand, by a tool that names it': (raw, has) =>
      (!has('call') || decides('write_file', [`${SHOWN}/planted`])) && raw.write,
    'foreign write: a file of another brand, by a shell command': (raw) => raw.write,
    'foreign write: a file of another brand shortened, by a shell command': (raw) => raw.shorten,
    'foreign write: a path outside the ticket onto the branch, by a tool that names it': (_raw, has) =>
      (!has('call') || decides('write_file', ['/work/other.txt'])) && !(has('exit') && auditStops),
    'foreign read: a file of another brand, by a tool that names it, carried out in a result': (raw, has) =>
      (!has('call') || decides('read_file', [`${SHOWN}/secret.txt`])) &&
      raw.read &&
      !(has('exit') && exits.stopped('quant', `{"summary":"${FOREIGN}"}`) !== null),
    'foreign read: a file of another brand, by a shell command, carried out in a note': (raw, has) =>
      raw.read && !(has('exit') && exits.stopped('quant', FOREIGN) !== null),
    'foreign read: the names in a folder of another brand': (raw) => raw.list,
    'foreign read: the environment of a process outside': (raw) => raw.environment,
    "its words elsewhere: written into another brand's folder": (raw) => raw.write,
    'its words elsewhere: to a TCP port of the machine': (raw) => raw.tcp,
    'its words elsewhere: in a datagram': (raw) => raw.datagram,
    'its words elsewhere: over an abstract socket': (raw) => raw.abstract,
    "its words elsewhere: read by another brand's run and put into a model request": (raw, has) =>
      raw.read && !(has('exit') && exits.stopped('label', `Explain: ${WORDS}`) !== null),
    'foreign words in it: read in another brand and committed': (raw, has) =>
      raw.read && !(has('exit') && exits.stopped('quant', `+${FOREIGN}`) !== null),
    'a process outside ended or signalled': (raw) => raw.signal,
  };

  const layers = LayerName.options;
  const matrix = readFileSync(path.join(appRoot, 'docs', 'walls.md'), 'utf8')
    .split('\n## ')
    .find((part) => part.startsWith('The matrix'))
    ?.split('\n')
    .filter((line) => line.startsWith('| ') && !/^\| (attempt|-)/.test(line))
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .map(([, name = '', ...cells]) => ({
      name,
      stops: layers.filter((_layer, index) => cells[index] === 'x'),
    }));

  test('every attempt of the table is made, and each is stopped by at least two layers, each alone', () => {
    expect(matrix?.map(({ name }) => name)).toEqual(Object.keys(attempts));
    for (const { name, stops } of matrix ?? []) expect(stops.length, name).toBeGreaterThanOrEqual(2);
    for (const { name, stops } of matrix ?? [])
      if (/file|folder/.test(name)) expect(stops, name).toEqual(expect.arrayContaining(['room', 'kernel']));
  });

  const sets = Array.from({ length: 16 }, (_, bits) =>
    layers.filter((_layer, index) => ((bits >> index) & 1) === 1),
  ).map((absent): [string, LayerName[]] => [absent.join(', ') || 'none', absent]);

  test.each(sets)('absent: %s', (_names, absent) => {
    const has = (layer: LayerName): boolean => !absent.includes(layer);
    const raw = raws.get(`${has('room')} ${has('kernel')}`);
    if (raw === undefined) throw new Error('the attacker did not run');
    const works = Object.fromEntries(
      Object.entries(attempts).map(([name, attempt]) => [name, attempt(raw, has)]),
    );
    const expected = Object.fromEntries(
      (matrix ?? []).map(({ name, stops }) => [name, stops.every((layer) => !has(layer))]),
    );
    expect(works).toEqual(expected);
  });
});
