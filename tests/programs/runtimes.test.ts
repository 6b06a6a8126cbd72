import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { createRuntimes } from '../../src-main/services/runtimes/index.ts';
import type { Runtime } from '../../src-main/services/runtimes/index.ts';
import { reportsWith, saysThenHangs, withModel } from '../conformance/runtime-models.ts';
import { describeRuntime } from '../conformance/runtime.ts';
import type { RuntimeSubject } from '../conformance/runtime.ts';
import { agentProgram, fetchedAgents, titleOf } from '../support/agents.ts';
import type { FetchedAgent } from '../support/agents.ts';
import type { ModelCall, ModelScript, ModelStep } from '../support/model-server.ts';
import { ways } from './ways.ts';

const appRoot = fileURLToPath(new URL('../..', import.meta.url));
const fetching = 11 * 60_000;

function runtimeAt(agent: FetchedAgent, program: string): Runtime {
  const made = createRuntimes({
    nodeInside: '/opt/node/bin/node',
    path: '/nowhere',
    appRoot,
    programs: { [agent]: program },
  });
  const found = made.find((runtime) => runtime.name === agent);
  if (found === undefined) throw new Error(`there is no runtime ${agent}`);
  return found;
}

/** How the model of each program is told that a call was denied. */
const denials: Readonly<Record<FetchedAgent, RegExp>> = {
  claude: /not today|could not decide/,
  codex: /rejected by user/,
  opencode: /rejected permission/,
};

/** The subject of one program; its runtime is there once the program has been fetched. */
function subjectOf(agent: FetchedAgent, runtime: Runtime): RuntimeSubject {
  const { shell, write, model } = ways[agent];
  const denied = denials[agent];
  const play = (script: ModelScript) => withModel(script, model);
  const lingering = (calls: ModelCall[]): ModelScript => saysThenHangs([{ calls }], shell('ls'));
  return {
    runtime,
    works: () =>
      play([
        { text: 'I am starting.', calls: write('/work/hello.txt', 'hello') },
        { calls: shell('git add -A && git commit -q -m hello') },
        { text: 'Written.' },
      ]),
    fails: async () => ({
      ...(await play({ steps: [], failures: [{ kind: 'status', status: 400, times: 99 }] })),
      says: /scripted failure 400/,
    }),
    hangs: () => play(saysThenHangs([], shell('ls'))),
    floods: () => play([{ text: Array.from({ length: 100_000 }, (_, line) => `line ${line}\n`).join('') }]),
    lingers: (room) => play(lingering(shell(`(${room.lingering} true)`))),
    exitsAtOnce: () => Promise.resolve({ task: {}, runtime: runtimeAt(agent, '/usr/bin/false') }),
    asks: () =>
      play((request): ModelStep => {
        if (request.turns === 0) return { calls: shell('echo asked > asked.txt') };
        return { text: denied.test(request.prompt) ? 'I was denied.' : 'Written.' };
      }),
    reports: (room) => reportsWith(room, (text) => ways[agent].tool('report_progress', { text }), model),
    usage: () => play([{ text: 'Counted.', usage: { input: 1_234, output: 56 } }]),
  };
}

describe.each(fetchedAgents)('%s', (agent) => {
  let program = '';
  beforeAll(() => {
    program = agentProgram(agent);
  }, fetching);

  test(`[C8] ${titleOf(agent)} is found, and what it can do is said with a date`, async () => {
    const probe = await runtimeAt(agent, program).probe();
    expect(probe).toMatchObject({ present: true, detail: expect.stringContaining(program) as string });
    expect(titleOf(agent)).toContain(probe.version);
    expect(probe.capabilities).toContain('every call decided');
    expect(Date.parse(probe.probedAt)).not.toBeNaN();
  });

  const found: Runtime = {
    name: agent,
    title: titleOf(agent),
    probe: () => runtimeAt(agent, program).probe(),
    prepare: (task) => runtimeAt(agent, program).prepare(task),
    drive: (process, task, hooks) => runtimeAt(agent, program).drive(process, task, hooks),
  };
  describeRuntime(agent, subjectOf(agent, found));
});
