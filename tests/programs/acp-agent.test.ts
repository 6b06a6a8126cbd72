import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { laySiege } from '../adversarial/siege.ts';
import type { Siege } from '../adversarial/siege.ts';
import { addBrand, appRoot, held, makePlace } from '../support/workspace.ts';
import type { InProcessCore, TestPlace, TestRepository } from '../support/workspace.ts';

const inside = '/opt/agent/small/agent.mjs';
const source = path.join(appRoot, 'tests', 'support', 'acp-agent.mjs');

let place: TestPlace;
let repository: TestRepository;
let core: InProcessCore;
let siege: Siege;

beforeAll(async () => {
  const mounts = [{ source, target: inside }];
  place = makePlace({
    acpAgents: {
      small: { command: `node ${inside}`, environment: {}, mounts },
      lost: {
        command: `node ${inside}`,
        environment: {},
        mounts: [{ source: '/nowhere/it', target: inside }],
      },
    },
    policy: [
      {
        name: 'no-tags',
        decision: 'deny',
        kinds: ['execute'],
        tools: [],
        commands: ['git tag*'],
        reason: 'Tags are made by hand.',
      },
    ],
  });
  repository = place.repository('greetings', { 'README.md': 'Greetings.\n' });
  core = await place.open();
  siege = laySiege(core);
  await addBrand(core.client, 'acme', repository.path);
});
afterAll(async () => {
  await siege.end();
  await core.close();
  place.remove();
});

const greeting = { title: 'Say hello', paths: ['hello.txt'], acceptance: ['grep -q hello hello.txt'] };

test("an agent of the operator's own, by its command line, carries a ticket out: what it asks is decided, and so is what it does unasked", async () => {
  const description = [
    'asks: git tag mine',
    'does: echo hello > hello.txt',
    'asks: git add -A && git commit -q -m hello && atrium submit result --summary hello',
  ].join('\n');
  const { id } = await siege.order('acme', { ...greeting, description, runtime: 'acp-small' });
  const ticket = await siege.until(
    id,
    ({ state, attemptList }) => state === 'merged' || state === 'blocked' || attemptList.length > 1,
  );
  const lines = await siege.transcript(ticket.attemptList[0]?.run ?? '');
  const said = lines.map(({ text }) => text).join('\n');
  expect(ticket.state, said).toBe('merged');
  expect(repository.git('show', 'main:hello.txt')).toBe('hello');
  expect(said).toContain('servers: atrium');
  expect(said).toContain('deny execute by rule no-tags');
  expect(said).toMatch(/allow execute by rule \S+: echo hello > hello.txt/);
  expect(core.faults).toEqual([]);
});

test('what it does without asking and may not ends its run', async () => {
  const description = 'does: git tag mine\nasks: echo on > on.txt';
  const { id } = await siege.order('acme', { ...greeting, description, runtime: 'acp-small' });
  const ticket = await siege.until(id, ({ attemptList }) => (attemptList[0]?.endedAt ?? null) !== null);
  held(await core.client.ticket.block({ id, reason: 'one attempt is enough' }));
  expect(ticket.attemptList[0]?.state).toBe('failed');
  expect(ticket.attemptList[0]?.reason).toMatch(/without asking, and it is denied: Tags are made by hand/);
});

test('what it needs and does not find is said before anything starts', async () => {
  const { runtimes } = held(await core.client.status({}));
  const stateOf = (name: string) => runtimes?.find((runtime) => runtime.name === name);
  expect(stateOf('acp-small')).toMatchObject({ present: true });
  expect(stateOf('acp-lost')).toMatchObject({
    present: false,
    detail: expect.stringContaining('/nowhere/it') as string,
  });
});
