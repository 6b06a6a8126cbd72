import { chmodSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { laySiege } from '../adversarial/siege.ts';
import { agentProgram, fetchedAgents } from '../support/agents.ts';
import { startModelServer } from '../support/model-server.ts';
import { addBrand, held, makePlace } from '../support/workspace.ts';
import { ways } from './ways.ts';

const KEY = 'outside-key-93417';

/** Looks for the key in everything that the run can see, without saying it; and for the stand-in, to show that it looks. */
const SEARCH = `k=outside; k="$k-key-93417"
(env; cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline) 2>/dev/null | tr '\\0' '\\n' > /tmp/seen
printf '%s\\n' "$k" | grep -rals -D skip -f - /tmp /home/agent /work /run /etc /var && echo KEY FOUND || echo KEY ABSENT
printf 'dummy\\n' | grep -qs -f - /tmp/seen && echo SEARCH WORKS
true`;

const turn = { input: 2_000, output: 100, cached: 500 };

describe.each([...fetchedAgents, 'gemini'] as const)('a ticket for %s', (agent) => {
  const { provider, model, shell, write } = ways[agent];

  test('[P10] [A13] goes from draft to merged, its use is counted, and no key is found inside', async () => {
    const server = await startModelServer([
      { text: 'I say hello.', calls: write('/work/hello.txt', 'hello'), usage: turn },
      { calls: shell(SEARCH), usage: turn },
      {
        calls: shell(
          'git add -A && git commit -q -m hello && atrium submit result --summary "Hello is said."',
        ),
        usage: turn,
      },
      { text: 'Hello is said.', usage: turn },
    ]);
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
        models: { [provider]: { baseUrl: server.url, keyFile } },
        programs: agent === 'gemini' ? {} : { [agent]: agentProgram(agent) },
      }),
    );
    const repository = place.repository('greetings', { 'README.md': 'Greetings.\n' });
    const core = await place.open();
    onTestFinished(() => core.close());
    const siege = laySiege(core);
    onTestFinished(() => siege.end());
    await addBrand(core.client, 'acme', repository.path);

    const { id } = await siege.order('acme', {
      title: 'Say hello',
      paths: ['hello.txt'],
      acceptance: ['grep -q hello hello.txt'],
      runtime: agent,
      model,
    });
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
    expect(calls.length).toBeGreaterThanOrEqual(4);
    for (const { headers } of calls) expect(JSON.stringify(headers)).toContain(KEY);
    const run = held(await core.client.run.list({ ticket: id })).find((each) => each.runtime === agent);
    expect(run?.tokens.input).toBeGreaterThanOrEqual(4 * turn.input);
    expect(run?.tokens.output).toBeGreaterThanOrEqual(4 * turn.output);
    expect(run?.costUsd).toBeGreaterThan(0);
    expect(core.faults).toEqual([]);
  });
});
