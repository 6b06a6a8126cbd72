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
import { workspacePlaces } from '../../src-main/app/places.ts';
import { runUser } from '../../src-main/app/run-users.ts';
import type { WorkspaceConfig } from '../../src-main/contract/config.ts';
import type { BrandId } from '../../src-main/contract/ids.ts';
import type { TicketDraftInput } from '../../src-main/contract/tickets.ts';
import { startModelServer, type ModelCall, type ModelServer } from '../support/model-server.ts';
import { addBrand, makePlace } from '../support/workspace.ts';
import type { InProcessCore, TestPlace, TestRepository } from '../support/workspace.ts';
import { layBait, TOKEN, type LaidBait } from './bait.ts';
import { attackProgram, INSIDE_ATTACKS } from './inside.ts';
import { laySiege, type Siege } from './siege.ts';

/** Makes the attacks that lie in the checkout. */
const VEILED = 'base64 -d a/veiled.txt > /tmp/veiled.mjs; env -u NODE_USE_ENV_PROXY node /tmp/veiled.mjs';

/** A core with two brands, a live neighbour, and bait on the host; agents in it attack from inside. */
export interface Ground {
  place: TestPlace;
  core: InProcessCore;
  siege: Siege;
  own: TestRepository;
  laid: LaidBait;
  /** A folder for controls, that holds none of the bait. */
  root: string;
  identity: { uid: number; gid: number } | null;
  /** What every ticket of an attacker has. */
  draft: TicketDraftInput;
  /** An agent program's model tells it to make every attack by its shell: which of them worked. */
  attackBy(runtime: string, model: string, shell: (command: string) => ModelCall[]): Promise<unknown>;
  close(): Promise<void>;
}

/** @param programs where agent programs are that are not found by themselves */
export async function openGround(programs: WorkspaceConfig['programs'] = {}): Promise<Ground> {
  const root = realpathSync(mkdtempSync(path.join(tmpdir(), 'atrium-control-')));
  chmodSync(root, 0o755);
  let shell: (command: string) => ModelCall[] = () => [];
  const model: ModelServer = await startModelServer(({ turns }) =>
    turns === 0 ? { calls: shell(VEILED) } : undefined,
  );
  const keyFile = path.join(root, 'key');
  writeFileSync(keyFile, 'a-key\n', { mode: 0o600 });
  const at = { baseUrl: model.url, keyFile };
  const place = makePlace({ models: { gemini: at, anthropic: at, openai: at }, programs });
  process.env['ATRIUM_TEST_PLANTED'] = TOKEN.text;
  const own = place.repository('acme-shop', { 'a/one.txt': 'one\n' });
  const other = place.repository('beta-shop', { 'b.txt': 'b\n' });
  const core = await place.open();
  const siege = laySiege(core);
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
  const identity = runUser(workspacePlaces(place.workspace), 'acme' as BrandId);
  const laid = await layBait(place, { own, other }, identity, path.join(sockets, socket ?? ''));

  // The attacks lie in the checkout, without a word that a guard of calls could know: some programs take apart what they are to
  // run, and a long command costs them all of their memory.
  const program = attackProgram(INSIDE_ATTACKS, laid.bait, TOKEN.parts);
  own.commit({ 'a/veiled.txt': Buffer.from(program).toString('base64') });
  const draft: TicketDraftInput = {
    title: 'Break out',
    paths: ['a/**'],
    acceptance: ['true'],
    network: ['listed.example', `localhost:${laid.bait.tcpPort}`],
  };

  return {
    place,
    core,
    siege,
    own,
    laid,
    root,
    identity,
    draft,
    async attackBy(runtime, name, calls) {
      shell = calls;
      const before = model.requests.length;
      const { ticket, lines } = await siege.attack('acme', {
        ...draft,
        runtime: runtime as never,
        model: name,
      });
      const said = model.requests
        .slice(before)
        .map(({ prompt }) => /LOOT (\{.*?\})/.exec(prompt)?.[1])
        .find(Boolean);
      if (said === undefined)
        throw new Error(
          `${runtime} brought nothing back: ${ticket.reason}\n${lines
            .map((line) => line.text)
            .join('\n')
            .slice(-3_000)}`,
        );
      return JSON.parse(said.replaceAll(/\\+"/g, '"')) as unknown;
    },
    async close() {
      await siege.end();
      await core.close();
      await model.close();
      laid.remove();
      place.remove();
      rmSync(root, { recursive: true, force: true });
      delete process.env['ATRIUM_TEST_PLANTED'];
    },
  };
}
