import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AskView } from '../../src-main/contract/guard.ts';
import type { PolicyRule } from '../../src-main/contract/policy.ts';
import { GateReport } from '../../src-main/contract/tickets.ts';
import { laySiege, type Siege } from '../adversarial/siege.ts';
import { addBrand, held, makePlace } from '../support/workspace.ts';
import type { InProcessCore, TestPlace } from '../support/workspace.ts';

/** The guard of runs: rules of every level, questions to the operator, guards before and after a call, and the log of it all. */

const rule = (over: Partial<PolicyRule>): PolicyRule => ({
  name: 'a-rule',
  decision: 'deny',
  kinds: ['execute'],
  tools: [],
  reason: 'because',
  ...over,
});

let place: TestPlace;
let core: InProcessCore;
let siege: Siege;

const script = (...steps: unknown[]) => ({
  runtime: 'scripted' as const,
  acceptance: ['true'],
  paths: ['src/**'],
  command: JSON.stringify(steps),
});
const bash = (text: string, then: unknown[] = []) => ({
  permission: { tool: 'Bash', kind: 'execute', text, then },
});
/** The question that a ticket's run waits with. */
const asked = async (ticket: string): Promise<AskView> => {
  await siege.untilRun(ticket, (run) => run.state === 'running');
  for await (const item of await core.client.feed({})) {
    if (item.kind !== 'snapshot' && item.kind !== 'activity') continue;
    const found = held(await core.client.guard.asks({})).find((ask) => ask.ticket === ticket);
    if (found) return found;
  }
  throw new Error('the feed ended');
};
const logOf = async (ticket: string) =>
  held(await core.client.guard.log({ brand: 'acme' }))
    .filter((entry) => entry.ticket === ticket)
    .reverse();

beforeAll(async () => {
  place = makePlace({
    policy: [
      rule({
        name: 'ask-deploy',
        decision: 'ask',
        commands: ['deploy*'],
        reason: 'a deploy is for the operator to say',
      }),
      rule({ name: 'no-curl', commands: ['curl*'], reason: 'fetch through the tool for it' }),
    ],
  });
  writeFileSync(
    path.join(place.workspace, 'agents', 'writer.md'),
    `---
name: writer
description: Writes the documents.
role: Technical writer
goal: Every document is true.
reads: [checkout]
writes: [checkout]
owns: [docs/**]
tools: [read, edit, execute, report]
network: none
calls: [result, brief]
mayCall: []
modelClass: light
rules: [{name: no-make, decision: deny, kinds: [execute], commands: ['make*'], reason: documents need no build}]
---

You write documents.
`,
  );
  const shop = place.repository('shop', { 'src/a.txt': 'one\n', 'docs/a.md': 'a\n' });
  core = await place.open();
  siege = laySiege(core);
  await addBrand(core.client, 'acme', shop.path);
});
afterAll(async () => {
  await siege.end();
  await core.close();
  place.remove();
});

describe('a call that the operator is asked about', () => {
  test('waits for the answer, which the agent is told with its note; the log says how long that took', async () => {
    const { id } = await siege.order('acme', {
      title: 'deploys',
      ...script(bash('true && deploy now', [{ say: 'DEPLOYED' }]), bash('deploy again', [{ say: 'AGAIN' }])),
    });
    const first = await asked(id);
    expect(first).toMatchObject({
      rule: 'ask-deploy',
      level: 'workspace',
      reason: 'a deploy is for the operator to say',
      text: 'true && deploy now',
      state: 'open',
    });
    held(await core.client.guard.answer({ id: first.id, decision: 'allow', note: 'just once' }));
    const second = await asked(id);
    held(await core.client.guard.answer({ id: second.id, decision: 'deny', note: 'not twice' }));
    expect(await core.client.guard.answer({ id: second.id, decision: 'allow' })).toMatchObject({
      ok: false,
      failure: { code: 'refused-transition' },
    });
    const [run] = held(await core.client.run.list({ ticket: id }));
    const lines = (await siege.transcript(run?.id ?? '')).map((line) => line.text).join('\n');
    expect(lines).toContain('DEPLOYED');
    expect(lines).toContain('I was denied: the operator says deny: not twice');
    expect(lines).not.toContain('AGAIN');
    const log = (await logOf(id)).filter((entry) => entry.run === run?.id);
    expect(log.map(({ decision, rule: name }) => [decision, name])).toEqual([
      ['ask', 'ask-deploy'],
      ['allow', 'ask-deploy'],
      ['ask', 'ask-deploy'],
      ['deny', 'ask-deploy'],
    ]);
    expect(log.every(({ ms }) => ms >= 0)).toBe(true);
    await core.client.ticket.block({ id, reason: 'enough was seen' });
  });

  test('ends with its run', async () => {
    const { id } = await siege.order('acme', { title: 'gives up', ...script(bash('deploy x')) });
    const open = await asked(id);
    await core.client.ticket.block({ id, reason: 'no longer wanted' });
    const ended = held(await core.client.guard.asks({ all: true })).find((ask) => ask.id === open.id);
    expect(ended).toMatchObject({ state: 'expired', note: 'the run that asked ended' });
    expect(held(await core.client.guard.asks({}))).toEqual([]);
  });
});

describe('rules of every level', () => {
  test('[C20] [C21] [F8] a role that the workspace added carries out its ticket under its own rules and owns its folder', async () => {
    const draft = {
      title: 'writes',
      contract: 'writer',
      rules: [rule({ name: 'no-tests', commands: ['npm test*'], reason: 'there are none here' })],
      ...script(
        bash('curl https://x.example'),
        bash('make all'),
        bash('npm test'),
        bash('ls', [{ say: 'LISTED' }]),
        { permission: { tool: 'Edit', kind: 'edit', paths: ['/work/docs/a.md'], then: [{ say: 'WROTE' }] } },
        { permission: { tool: 'Edit', kind: 'edit', paths: ['/work/src/a.txt'] } },
        { run: 'atrium brief' },
      ),
      paths: ['docs/**', 'src/**'],
    };
    const plain = held(await core.client.ticket.draft({ brand: 'acme', draft: { ...draft, rules: [] } }));
    const ruled = held(await core.client.ticket.draft({ brand: 'acme', draft }));
    expect(ruled.hash).not.toBe(plain.hash);
    const { ticket, lines } = await siege.attack('acme', draft);
    expect([ticket.contract, ticket.rules?.length]).toEqual(['writer', 1]);
    const decided = (await logOf(ticket.id)).filter(({ moment }) => moment === 'before');
    expect(decided.map((entry) => [entry.decision, entry.rule, entry.level])).toEqual([
      ['deny', 'no-curl', 'workspace'],
      ['deny', 'no-make', 'contract'],
      ['deny', 'no-tests', 'ticket'],
      ['allow', 'writer.execute', 'contract'],
      ['allow', 'writer.edit', 'contract'],
      ['deny', 'own-paths', 'contract'],
    ]);
    const said = lines.map((line) => line.text).join('\n');
    for (const text of [
      'LISTED',
      'WROTE',
      'I was denied: fetch through the tool for it',
      'Technical writer',
      'Every document is true.',
    ])
      expect(said).toContain(text);
  });

  test('[C11] a worker is told its one task, to use its tools directly, and to name files by absolute path', async () => {
    const { lines } = await siege.attack('acme', {
      title: 'reads its brief',
      ...script({ run: 'atrium brief' }),
    });
    const said = lines.map((line) => line.text).join('\n');
    expect(said).toContain('You carry out one task, this one, and then you end.');
    expect(said).toContain('You use your tools directly: you start no other agents');
    expect(said).toContain('Every file that you report is named by its absolute path.');
  });

  test('a contract that carries out no tickets is refused with a sentence', async () => {
    expect(
      await core.client.ticket.draft({ brand: 'acme', draft: { title: 'x', contract: 'scout' } }),
    ).toMatchObject({
      ok: false,
      failure: {
        message: 'the contract scout carries out no tickets: it does not write a checkout and submit results',
      },
    });
  });
});

describe('guards before and after a call', () => {
  test('[B9] the guard is told of the end of a call, also when it failed', async () => {
    const { ticket } = await siege.attack('acme', {
      title: 'fails',
      ...script({ run: 'exit 3' }, { run: 'true' }),
    });
    const after = (await logOf(ticket.id)).filter(({ moment }) => moment === 'after');
    expect(after.map(({ outcome, decision }) => [outcome, decision])).toEqual([
      ['failed', 'allow'],
      ['done', 'allow'],
    ]);
  });

  test('[B2] [B9] ticket files that a command changed are found after it, recorded, and the next call is denied with that', async () => {
    const { ticket, lines } = await siege.attack('acme', {
      title: 'writes tickets',
      ...script(
        { run: 'printf x > ticket""s.jsonl; exit 1' },
        bash('ls', [{ say: 'FIRST' }]),
        bash('ls', [{ say: 'SECOND' }]),
      ),
    });
    const said = lines.map((line) => line.text).join('\n');
    expect(said).toContain('I was denied: tickets.jsonl of the checkout was changed by shell');
    expect([said.includes('FIRST'), said.includes('SECOND')]).toEqual([false, true]);
    const events = held(await core.client.events({ brand: 'acme', limit: 5_000 }));
    expect(
      events.filter(
        ({ type, stream }) => type === 'guard.decided' && stream.includes(ticket.attemptList[0]?.run ?? '-'),
      ),
    ).toMatchObject([
      { data: { rule: 'ticket-state-guard', moment: 'after' } },
      { data: { rule: 'ticket-state-guard', moment: 'before' } },
    ]);
  });

  test('an edit that ended outside its paths is found after it', async () => {
    const { ticket } = await siege.attack('acme', {
      title: 'strays',
      ...script(
        { write: { path: 'src/b.txt', content: 'b' } },
        { write: { path: 'other.txt', content: 'b' } },
      ),
    });
    const after = (await logOf(ticket.id)).filter(({ moment }) => moment === 'after');
    expect(after.map(({ decision, rule: name }) => [decision, name])).toEqual([
      ['allow', 'after-call'],
      ['deny', 'default-deny'],
    ]);
  });
});

describe('guards of Atrium’s own acts', () => {
  test('[B3] [B9] a merge goes through the pre-merge gate, which looks again once the branch has moved', async () => {
    const { id } = await siege.order('acme', {
      title: 'merges',
      ...script({ write: { path: 'src/merged.txt', content: 'm' } }, { commit: 'm' }, { submit: 'honest' }),
    });
    await siege.until(id, ({ state }) => state === 'merged' || state === 'blocked');
    const gate = (await logOf(id)).filter(({ rule: name }) => name === 'pre-merge-gate');
    expect(gate.map(({ moment, outcome, decision }) => [moment, outcome, decision])).toEqual([
      ['before', null, 'allow'],
      ['after', 'done', 'allow'],
    ]);
  });

  test('[F8] what a shell wrote in the folder of another role does not pass the gate', async () => {
    const { ticket } = await siege.attack('acme', {
      title: 'strays into the documents',
      ...script({ run: 'echo x >> docs/a.md' }, { commit: 'm' }, { submit: 'honest' }),
      paths: ['**'],
    });
    const reports = ticket.artifacts.filter(({ name }) => name === 'gate-report');
    const paths = reports
      .flatMap(({ content }) => GateReport.parse(content).conditions)
      .find(({ name }) => name === 'paths');
    expect(paths).toMatchObject({
      outcome: 'fail',
      detail: 'it changes docs/a.md: it belongs to the role writer',
    });
  });
});

describe('the hooks of agent programs', () => {
  const hook = (event: string, input: unknown) => {
    const text = typeof input === 'string' ? input : JSON.stringify(input);
    return { run: `printf '%s' '${text}' | atrium hook ${event}; echo "exit $?"` };
  };
  const use = (tool: string, input: Record<string, unknown>, event = 'PreToolUse') => ({
    hook_event_name: event,
    tool_name: tool,
    tool_input: input,
    cwd: '/work',
  });

  test('[B1] [C7] [C10] inside a run a hook is answered by its policy; exit code 2 denies, and so does what cannot be read', async () => {
    const { ticket, lines } = await siege.attack('acme', {
      title: 'hooks',
      ...script(
        hook('PreToolUse', use('Edit', { file_path: '/work/src/a.txt' })),
        hook('PreToolUse', use('Edit', { file_path: '/work/docs/a.md' })),
        hook('PreToolUse', use('Task', { subagent_type: 'scout', prompt: 'x' })),
        hook('BeforeTool', use('write_file', { file_path: '/work/src/a.txt' }, 'BeforeTool')),
        hook('PreToolUse', '{nope'),
        hook('PreToolUse', []),
        hook('BeforeNothing', {}),
        hook('SessionStart', {}),
        { run: `unset ATRIUM_SOCKET; echo '{}' | atrium hook PreToolUse; echo "exit $?"` },
      ),
    });
    const exits = lines.flatMap((line) =>
      line.kind === 'stdout' ? [...line.text.matchAll(/exit (\d)/g)].map((match) => Number(match[1])) : [],
    );
    expect(exits).toEqual([0, 2, 2, 0, 2, 2, 2, 0, 2]);
    const said = lines.map((line) => line.text).join('\n');
    expect(said).toContain('"permissionDecision":"allow"');
    expect(said).toContain('(owned-by-writer)');
    expect(said).toContain('(no-spawn)');
    expect(
      (await logOf(ticket.id)).filter(({ decision }) => decision === 'deny').length,
    ).toBeGreaterThanOrEqual(4);
  });

  test('from outside it is answered for the checkout that the call is made in', async () => {
    const folder = path.join(place.workspace, 'checkouts', 'acme');
    mkdirSync(folder, { recursive: true });
    const ask = async (tool: string, input: Record<string, unknown>, cwd = folder) =>
      held(
        await core.client.guard.hook({
          event: 'PreToolUse',
          input: { ...use(tool, input), cwd },
          role: 'ticket-executor',
        }),
      );
    expect(await ask('Bash', { command: 'curl x' })).toMatchObject({ decision: 'deny', rule: 'no-curl' });
    expect(await ask('Bash', { command: 'deploy x' })).toMatchObject({ decision: 'ask' });
    expect(await ask('Bash', { command: 'ls' })).toMatchObject({ decision: 'allow' });
    expect(await ask('Bash', { command: 'ls' }, '/tmp')).toMatchObject({ rule: 'malformed-input' });
  });
});

describe('guard check, role by role', () => {
  const ask = async (role: string, tool: string, input: Record<string, unknown>, cwd = place.workspace) =>
    held(await core.client.guard.check({ question: { brand: 'acme', role, tool, input, cwd } }));
  const wiki = (...names: string[]) => path.join(place.workspace, 'wiki', ...names);

  test('[C2] operator-global writes the global wiki and nothing else', async () => {
    expect(await ask('operator-global', 'Write', { file_path: wiki('_global', 'a.md') })).toMatchObject({
      decision: 'allow',
    });
    for (const file of [wiki('acme', 'a.md'), wiki('a.md'), '/work/a.md'])
      expect([file, (await ask('operator-global', 'Write', { file_path: file })).decision]).toEqual([
        file,
        'deny',
      ]);
  });

  test('[C4] [C5] scouts and distillers read and write nothing', async () => {
    for (const role of ['scout', 'distiller', 'verifier', 'recovery-monitor'])
      for (const [tool, input] of [
        ['Write', { file_path: wiki('acme', 'a.md') }],
        ['Edit', { file_path: '/work/src/a.txt' }],
        ['TaskCreate', { subject: 'x' }],
        ['Task', { subagent_type: 'scout' }],
        ['AskUserQuestion', {}],
      ] as const)
        expect([role, tool, (await ask(role, tool, input, '/work')).decision]).toEqual([role, tool, 'deny']);
    expect(await ask('scout', 'Read', { file_path: wiki('acme', 'a.md') })).toMatchObject({
      decision: 'allow',
    });
    expect(await ask('distiller', 'Bash', { command: 'ls' })).toMatchObject({ decision: 'deny' });
  });

  test('[C9] the conductor asks, starts roles and keeps tickets; it never edits, runs commands or explores', async () => {
    for (const [tool, input] of [
      ['Read', { file_path: wiki('acme', 'a.md') }],
      ['AskUserQuestion', {}],
      ['Task', { subagent_type: 'ticket-executor', prompt: 'x' }],
      ['TaskCreate', { subject: 'x' }],
    ] as const)
      expect([tool, (await ask('conductor', tool, input)).decision]).toEqual([tool, 'allow']);
    for (const [tool, input] of [
      ['Edit', { file_path: '/work/src/a.txt' }],
      ['Bash', { command: 'ls' }],
      ['Grep', { pattern: 'x' }],
      ['WebFetch', { url: 'https://x.example' }],
      ['Task', { subagent_type: 'conductor', prompt: 'x' }],
      ['Task', { prompt: 'x' }],
    ] as const)
      expect([tool, (await ask('conductor', tool, input, '/work')).decision]).toEqual([tool, 'deny']);
  });
});

test('the decision log is a file of the brand, with the latency of each decision', () => {
  const file = path.join(place.workspace, '.atrium', 'brands', 'acme', 'guard.jsonl');
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  expect(lines.length).toBeGreaterThan(10);
  for (const line of lines)
    expect(JSON.parse(line)).toMatchObject({ brand: 'acme', ms: expect.any(Number) as number });
});
