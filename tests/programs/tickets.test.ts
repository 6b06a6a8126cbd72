import { chmodSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { runToolOf } from '../../src-main/contract/run-api.ts';
import { laySiege } from '../adversarial/siege.ts';
import { agentProgram, fetchedAgents } from '../support/agents.ts';
import type { FetchedAgent } from '../support/agents.ts';
import { startModelServer } from '../support/model-server.ts';
import type { ModelScript, ModelStep } from '../support/model-server.ts';
import { addBrand, held, makePlace } from '../support/workspace.ts';
import { ways } from './ways.ts';
import type { Ways } from './ways.ts';

const KEY = 'outside-key-93417';

/** Looks for the key in everything that the run can see, without saying it; and for the stand-in, to show that it looks. */
const SEARCH = `k=outside; k="$k-key-93417"
(env; cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline) 2>/dev/null | tr '\\0' '\\n' > /tmp/seen
printf '%s\\n' "$k" | grep -rals -D skip -f - /tmp /home/agent /work /run /etc /var && echo KEY FOUND || echo KEY ABSENT
printf 'dummy\\n' | grep -qs -f - /tmp/seen && echo SEARCH WORKS
true`;

const turn = { input: 2_000, output: 100, cached: 500 };

/** What the model says to a program: it submits a plan and stops; once that is approved, it carries it out and submits the result. */
function scriptOf({ shell, write, tool }: Ways): ModelScript {
  const planning = (turns: number, sentBack: boolean): ModelStep =>
    turns % 2 === 0
      ? {
          text: 'I plan.',
          calls: tool('submit_plan', { text: `Planned after ${turns} turns${sentBack ? ', again' : ''}.` }),
          usage: turn,
        }
      : { text: 'The plan is submitted.', usage: turn };
  const working = (commit: string): ModelStep[] => [
    { text: 'I say hello.', calls: write('/work/hello.txt', 'hello'), usage: turn },
    { calls: shell(SEARCH), usage: turn },
    {
      calls: shell('git add -A && git commit -q -m hello && printf "COMMIT " && git rev-parse HEAD'),
      usage: turn,
    },
    {
      calls: tool('submit_result', { commit, summary: 'Hello is said.', files: ['hello.txt'], commands: [] }),
      usage: turn,
    },
    { text: 'Hello is said.', usage: turn },
  ];
  return ({ prompt, turns }) => {
    if (prompt.includes('(the plan)')) return planning(turns, prompt.includes('Think again.'));
    return working(/COMMIT ([0-9a-f]{40})/.exec(prompt)?.[1] ?? '')[turns];
  };
}

/** A workspace for an agent program whose model says what a script has, with its key outside; it can be opened again. */
async function ground(agent: FetchedAgent | 'gemini', script: ModelScript) {
  const server = await startModelServer(script);
  onTestFinished(() => server.close());
  const place = makePlace();
  onTestFinished(() => place.remove());
  const keyFile = path.join(place.around, 'key');
  writeFileSync(keyFile, `${KEY}\n`);
  chmodSync(keyFile, 0o600);
  writeFileSync(
    path.join(place.workspace, 'workspace.yaml'),
    JSON.stringify({
      name: 'Test',
      models: { [ways[agent].provider]: { baseUrl: server.url, keyFile } },
      programs: agent === 'gemini' ? {} : { [agent]: agentProgram(agent) },
    }),
  );
  const repository = place.repository('greetings', { 'README.md': 'Greetings.\n' });
  const open = async () => {
    const core = await place.open();
    const siege = laySiege(core);
    let open = true;
    const close = async () => {
      if (!open) return;
      open = false;
      await siege.end();
      await core.close();
    };
    onTestFinished(close);
    return { core, siege, close };
  };
  return { server, repository, open };
}

describe.each([...fetchedAgents, 'gemini'] as const)('a ticket for %s', (agent) => {
  const { model, resumes } = ways[agent];

  test('[P10] [A5] [A6] [A13] is planned, sent back, approved, carried out and merged by tool calls of the program; its use is counted, and no key is found inside', async () => {
    const { server, repository, open } = await ground(agent, scriptOf(ways[agent]));
    const { core, siege } = await open();
    await addBrand(core.client, 'acme', repository.path);

    const { id } = await siege.order('acme', {
      title: 'Say hello',
      paths: ['hello.txt'],
      acceptance: ['grep -q hello hello.txt'],
      runtime: agent,
      model,
      mode: 'plan_first',
    });
    const planned = async (text: string) => {
      const { state, plan, reason } = await siege.until(
        id,
        (now) => now.state === 'blocked' || (now.planState === 'waiting' && now.plan !== text),
      );
      expect(state, reason).toBe('in_progress');
      return plan ?? '';
    };
    const first = await planned('');
    held(await core.client.plan.revise({ id, version: 1, note: 'Think again.' }));
    const second = await planned(first);
    // What the model had said by then shows whether the program went on in its session.
    expect([first, second]).toEqual([
      'Planned after 0 turns.',
      `Planned after ${resumes ? 2 : 0} turns, again.`,
    ]);
    held(await core.client.plan.approve({ id, version: 2 }));
    const ticket = await siege.until(
      id,
      ({ state, attemptList }) => state === 'merged' || state === 'blocked' || attemptList.length > 1,
    );
    const [attempt] = ticket.attemptList;
    const lines = attempt === undefined ? [] : await siege.transcript(attempt.run);
    const said = lines.map((line) => line.text).join('\n');

    expect(ticket.state, `${ticket.reason}\n${said}`).toBe('merged');
    expect(repository.git('show', 'main:hello.txt')).toBe('hello');
    expect(said).toContain('KEY ABSENT');
    expect(said).toContain('SEARCH WORKS');
    expect(said).not.toContain(KEY);

    const calls = server.requests.filter((request) => request.operation !== 'count');
    for (const { headers } of calls) expect(JSON.stringify(headers)).toContain(KEY);
    const runs = held(await core.client.run.list({ ticket: id })).filter((each) => each.runtime === agent);
    expect(runs.map(({ attempt }) => attempt === null)).toEqual([true, true, false]);
    for (const [index, turns] of [2, 2, 5].entries()) {
      expect(runs[index]?.tokens.input).toBeGreaterThanOrEqual(turns * turn.input);
      expect(runs[index]?.tokens.output).toBeGreaterThanOrEqual(turns * turn.output);
      expect(runs[index]?.costUsd).toBeGreaterThan(0);
    }
    expect(runs[1]?.tokens.input).toBeLessThanOrEqual(runs[0]?.tokens.input ?? 0);
    const decided = held(await core.client.guard.log({ brand: 'acme' })).filter(
      ({ moment }) => moment === 'before',
    );
    const own = decided.flatMap((entry) => runToolOf(entry.tool) ?? []);
    expect(own.toSorted()).toEqual(['submit_plan', 'submit_plan', 'submit_result']);
    expect(core.faults).toEqual([]);
  });
});

test('a run that the end of the core cut off is gone on with in its session, and only what is new is counted', async () => {
  const { model, shell, tool } = ways.codex;
  const submit = (commit: string) =>
    tool('submit_result', { commit, summary: 'Hello is said.', files: ['hello.txt'], commands: [] });
  const script: ModelScript = ({ prompt, turns }) => {
    if (turns === 0) return { text: 'The word is swordfish.', calls: shell('true'), usage: turn };
    if (!prompt.includes('You go on in this session')) return { kind: 'hang' };
    const commit = /COMMIT ([0-9a-f]{40})/.exec(prompt)?.[1];
    if (commit !== undefined)
      return prompt.includes('The result was taken')
        ? { text: 'Hello is said.', usage: turn }
        : { calls: submit(commit), usage: turn };
    const committing = 'echo hello > hello.txt && git add -A && git commit -q -m hello';
    return { calls: shell(`${committing} && printf "COMMIT " && git rev-parse HEAD`), usage: turn };
  };
  const { server, repository, open } = await ground('codex', script);
  const before = await open();
  await addBrand(before.core.client, 'acme', repository.path);
  const { id } = await before.siege.order('acme', {
    title: 'Say hello',
    paths: ['hello.txt'],
    acceptance: ['grep -q hello hello.txt'],
    runtime: 'codex',
    model,
  });
  await server.arrived(({ turns }) => turns === 1);
  await before.close();

  const { core, siege } = await open();
  const ticket = await siege.until(id, ({ state }) => state === 'merged' || state === 'blocked');
  expect(ticket.attemptList.map(({ state }) => state)).toEqual(['interrupted', 'passed']);
  const resumed = server.requests.filter(({ prompt }) => prompt.includes('You go on in this session'));
  for (const { prompt } of resumed) expect(prompt).toContain('The word is swordfish.');
  const runs = held(await core.client.run.list({ ticket: id })).filter(({ runtime }) => runtime === 'codex');
  expect(runs[1]?.tokens.output).toBe(resumed.length * turn.output);
});
