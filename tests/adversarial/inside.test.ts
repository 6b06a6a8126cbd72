import {
  chmodSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readContracts } from '../../src-main/app/configuration.ts';
import { workspacePlaces } from '../../src-main/app/places.ts';
import { runUser } from '../../src-main/app/run-users.ts';
import type { BrandId } from '../../src-main/contract/ids.ts';
import { startModelServer, type ModelServer } from '../support/model-server.ts';
import { addBrand, held, makePlace } from '../support/workspace.ts';
import type { InProcessCore, TestPlace, TestRepository } from '../support/workspace.ts';
import { layBait, TOKEN, type LaidBait } from './bait.ts';
import { attackProgram, INSIDE_ATTACKS, WALLS, type Bait, type Wall } from './inside.ts';
import { opened, runWithout, SHOWN_AT, TAKEN_BY_ROOT, undecided, type Site } from './openings.ts';
import { laySiege, loot, nodeProgram, type Siege } from './siege.ts';

/**
 * Every attack from inside a run, made by each kind of agent in a ticket of the real core, where all fail; and in the room of
 * the same contract with one wall taken away, where those behind it work and no others: all of them where the room stands alone,
 * and with the kernel layer behind it those that this layer does not stop.
 */

let place: TestPlace;
let core: InProcessCore;
let siege: Siege;
let own: TestRepository;
let laid: LaidBait;
let model: ModelServer;
let root: string;

const program = (bait = laid.bait) => nodeProgram(attackProgram(INSIDE_ATTACKS, bait, TOKEN.parts));
/** Bait as a room without `mounts` shows it. */
const shown = (bait: Bait): Bait => {
  const at = (place: string) => `${SHOWN_AT}${place}`;
  return {
    ...bait,
    state: at(bait.state),
    tickets: at(bait.tickets),
    brandFile: at(bait.brandFile),
    contract: at(bait.contract),
    mainRef: at(bait.mainRef),
    hooks: at(bait.hooks),
    otherBrand: at(bait.otherBrand),
    wiki: at(bait.wiki),
    home: at(bait.home),
    agentSocket: at(bait.agentSocket),
    runSocket: at(bait.runSocket),
  };
};
/** The same without a word that a guard of calls could know. */
const veiled = () => {
  const text = Buffer.from(attackProgram(INSIDE_ATTACKS, laid.bait, TOKEN.parts)).toString('base64');
  return `echo ${text} | base64 -d > /tmp/veiled.mjs; env -u NODE_USE_ENV_PROXY node /tmp/veiled.mjs`;
};
const identity = () => runUser(workspacePlaces(place.workspace), 'acme' as BrandId);
const none = Object.fromEntries(INSIDE_ATTACKS.map(({ id }) => [id, false]));

beforeAll(async () => {
  root = realpathSync(mkdtempSync(path.join(tmpdir(), 'atrium-control-')));
  chmodSync(root, 0o755);
  model = await startModelServer(({ turns }) =>
    turns === 0 ? { calls: [{ name: 'run_shell_command', args: { command: veiled() } }] } : undefined,
  );
  place = makePlace({ models: { gemini: { baseUrl: model.url, keyFile: path.join(root, 'key') } } });
  writeFileSync(path.join(root, 'key'), 'a-key\n', { mode: 0o600 });
  process.env['ATRIUM_TEST_PLANTED'] = TOKEN.text;
  own = place.repository('acme-shop', { 'a/one.txt': 'one\n' });
  const other = place.repository('beta-shop', { 'b.txt': 'b\n' });
  core = await place.open();
  siege = laySiege(core);
  await addBrand(core.client, 'acme', own.path);
  await addBrand(core.client, 'beta', other.path);
  // Another run of the same brand and so of the same user, alive for as long as this takes.
  const neighbour = await siege.order('acme', {
    title: `Neighbour ${TOKEN.text}`,
    paths: ['other/**'],
    acceptance: ['true'],
    command: 'echo alive; while [ ! -e go ]; do sleep 0.2; done; exit 1',
  });
  await siege.untilSaid(neighbour.id, 'alive');
  const sockets = readFileSync(path.join(place.workspace, '.atrium', 'sockets.path'), 'utf8');
  const [socket] = readdirSync(sockets);
  laid = await layBait(place, { own, other }, identity(), path.join(sockets, socket ?? ''));
}, 120_000);

afterAll(async () => {
  await siege.end();
  await core.close();
  await model.close();
  laid.remove();
  place.remove();
  rmSync(root, { recursive: true, force: true });
  delete process.env['ATRIUM_TEST_PLANTED'];
});

const draft = () => ({
  title: 'Break out',
  paths: ['a/**'],
  acceptance: ['true'],
  network: ['listed.example', `localhost:${laid.bait.tcpPort}`],
});

describe('in a ticket, nothing of it works', () => {
  test('[B2] [C3] for a command', async () => {
    const attempted = await siege.attack('acme', { ...draft(), command: `${program()}\nexit 1` });
    expect(loot(attempted)).toEqual(none);
  });

  test('[B2] [C3] for Gemini CLI, driven by a model that is told what to try', async () => {
    await siege.attack('acme', { ...draft(), runtime: 'gemini', model: 'gemini-2.5-flash' });
    const said = model.requests.map(({ prompt }) => /LOOT (\{.*?\})/.exec(prompt)?.[1]).find(Boolean);
    expect(JSON.parse((said ?? '""').replaceAll('\\"', '"'))).toEqual(none);
  });

  test('and the walls had something to keep away: another run is alive, the bait is whole', async () => {
    expect(readFileSync(laid.bait.tickets, 'utf8')).toContain('draft');
    expect(readFileSync(laid.bait.wiki, 'utf8')).toBe('# Page\n');
    const tickets = held(await core.client.ticket.list({ brand: 'acme' }));
    expect(tickets.filter(({ state }) => state === 'in_progress')).toHaveLength(1);
  });
});

describe('with one wall taken away, what it kept away works and nothing else', () => {
  const asRoot = process.getuid?.() === 0;
  const site = (wall: Wall | null, kernel: boolean): Site => {
    const contract = held(readContracts(path.join(place.workspace, 'agents'))).find(
      ({ name }) => name === 'ticket-executor',
    );
    if (contract === undefined) throw new Error('there is no contract ticket-executor');
    const made = mkdtempSync(path.join(root, `${wall ?? 'none'}-`.replace(' ', '-')));
    chmodSync(made, 0o755);
    return {
      root: made,
      contract,
      baseObjects: path.join(own.path, '.git', 'objects'),
      identity: identity(),
      folders: laid.folders,
      tcpPort: laid.bait.tcpPort,
      kernel,
    };
  };
  // Ending the victim is last: the other attacks on processes need it.
  const order: (Wall | null)[] = [null, ...WALLS.filter((wall) => wall !== 'processes'), 'processes'];

  test.each(
    order.flatMap((wall) => [
      [wall ?? 'none', 'the room alone', wall, false] as const,
      [wall ?? 'none', 'the kernel layer behind it', wall, true] as const,
    ]),
  )(
    '%s, with %s',
    async (_name, _layers, wall, kernel) => {
      if (wall !== null && TAKEN_BY_ROOT.includes(wall) && !asRoot) return;
      const bait = wall === 'mounts' ? shown(laid.bait) : laid.bait;
      const output = await runWithout(wall, site(wall, kernel), program(bait));
      const worked = loot<Record<string, boolean>>({
        output,
        lines: [],
        ticket: { reason: output } as never,
      });
      const expected = INSIDE_ATTACKS.map(({ id, wall: behind, stoppedBy }) => {
        if (undecided(wall).includes(behind)) return [id, worked[id]] as const;
        return [id, opened(wall).includes(behind) && !(kernel && stoppedBy.includes('kernel'))] as const;
      });
      expect(worked).toEqual(Object.fromEntries(expected));
    },
    120_000,
  );
});
