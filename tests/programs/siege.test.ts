import { afterAll, beforeAll, expect, test } from 'vitest';
import { openGround, type Ground } from '../adversarial/ground.ts';
import { INSIDE_ATTACKS } from '../adversarial/inside.ts';
import { agentProgram, fetchedAgents, titleOf } from '../support/agents.ts';
import { ways } from './ways.ts';

/** Every attack from inside a run, by real agent programs whose models tell them to make it. */

let ground: Ground;
beforeAll(async () => {
  ground = await openGround(Object.fromEntries(fetchedAgents.map((agent) => [agent, agentProgram(agent)])));
}, 16 * 60_000);
afterAll(() => ground.close());

test.each(fetchedAgents.map((agent) => [titleOf(agent), agent] as const))(
  '[B2] [C3] [C8] %s, driven by a model that is told what to try, reaches nothing',
  async (_title, agent) => {
    const { model, shell } = ways[agent];
    // Codex goes on with its turn where a command takes longer than it waits.
    const patient = (command: string) =>
      shell(command).map((call) => ({ ...call, args: { ...(call.args as object), yield_time_ms: 30_000 } }));
    const worked = await ground.attackBy(agent, model, agent === 'codex' ? patient : shell);
    expect(worked).toEqual(Object.fromEntries(INSIDE_ATTACKS.map(({ id }) => [id, false])));
  },
);
