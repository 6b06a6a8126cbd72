import { chmodSync, mkdtempSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { readContracts } from '../../src-main/app/configuration.ts';
import { held } from '../support/workspace.ts';
import { startVictim, TOKEN } from './bait.ts';
import { openGround, type Ground } from './ground.ts';
import { attackProgram, INSIDE_ATTACKS, WALLS, type Bait, type Wall } from './inside.ts';
import { opened, runWithout, SHOWN_AT, TAKEN_BY_ROOT, undecided, type Site } from './openings.ts';
import { loot, nodeProgram } from './siege.ts';

/**
 * Every attack from inside a run, made by each kind of agent in a ticket of the real core, where all fail; and in the room of
 * the same contract with one wall taken away, where those behind it work and no others: all of them where the room stands alone,
 * and with the kernel layer behind it those that this layer does not stop.
 */

let ground: Ground;

const program = (bait = ground.laid.bait) => nodeProgram(attackProgram(INSIDE_ATTACKS, bait, TOKEN.parts));
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
const none = Object.fromEntries(INSIDE_ATTACKS.map(({ id }) => [id, false]));

beforeAll(async () => {
  ground = await openGround();
}, 120_000);
afterAll(() => ground.close());

describe('in a ticket, nothing of it works', () => {
  test('[B2] [C3] for a command', async () => {
    const attempted = await ground.siege.attack('acme', { ...ground.draft, command: `${program()}\nexit 1` });
    expect(loot(attempted)).toEqual(none);
  });

  test('[B2] [C3] for Gemini CLI, driven by a model that is told what to try', async () => {
    const shell = (command: string) => [{ name: 'run_shell_command', args: { command } }];
    expect(await ground.attackBy('gemini', 'gemini-2.5-flash', shell)).toEqual(none);
  });

  test('and the walls had something to keep away: another run is alive, the bait is whole', async () => {
    expect(readFileSync(ground.laid.bait.tickets, 'utf8')).toContain('draft');
    expect(readFileSync(ground.laid.bait.wiki, 'utf8')).toBe('# Page\n');
    const tickets = held(await ground.core.client.ticket.list({ brand: 'acme' }));
    expect(tickets.filter(({ state }) => state === 'in_progress')).toHaveLength(1);
  });
});

describe('with one wall taken away, what it kept away works and nothing else', () => {
  const asRoot = process.getuid?.() === 0;
  const site = (wall: Wall | null, kernel: boolean): Site => {
    const contract = held(readContracts(path.join(ground.place.workspace, 'agents'))).find(
      ({ name }) => name === 'ticket-executor',
    );
    if (contract === undefined) throw new Error('there is no contract ticket-executor');
    const made = mkdtempSync(path.join(ground.root, `${wall ?? 'none'}-`.replace(' ', '-')));
    chmodSync(made, 0o755);
    return {
      root: made,
      contract,
      baseObjects: path.join(ground.own.path, '.git', 'objects'),
      identity: ground.identity,
      folders: ground.laid.folders,
      tcpPort: ground.laid.bait.tcpPort,
      kernel,
    };
  };
  test.each(
    [null, ...WALLS].flatMap((wall) => [
      [wall ?? 'none', 'the room alone', wall, false] as const,
      [wall ?? 'none', 'the kernel layer behind it', wall, true] as const,
    ]),
  )(
    '%s, with %s',
    async (_name, _layers, wall, kernel) => {
      if (wall !== null && TAKEN_BY_ROOT.includes(wall) && !asRoot) return;
      const planted = wall === 'mounts' ? shown(ground.laid.bait) : ground.laid.bait;
      // One that no control before it has ended.
      const victim = startVictim(ground.identity, planted.publicSecret);
      onTestFinished(victim.end);
      const bait = { ...planted, victim: victim.pid, victimWord: victim.word };
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
