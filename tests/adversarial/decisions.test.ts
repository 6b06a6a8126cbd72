import { chmodSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AskView } from '../../src-main/contract/guard.ts';
import { addBrand, held, makePlace } from '../support/workspace.ts';
import type { InProcessCore, TestPlace, TestRepository } from '../support/workspace.ts';
import { BEFORE, EVERYDAY, HIDDEN } from './decisions.ts';
import { laySiege, loot, nodeProgram, type Siege } from './siege.ts';

/** What a person or another role decides, and a run would decide by itself: plans, what a change touches, calls that ask. */

let place: TestPlace;
let core: InProcessCore;
let siege: Siege;
let shop: TestRepository;

beforeAll(async () => {
  const row = { kinds: ['execute' as const], tools: [], reason: 'it says so' };
  const host = { ...row, kinds: ['fetch' as const] };
  place = makePlace({
    maxRuns: 6,
    roles: { planReviewer: 'scripted' },
    policy: [
      { ...row, name: 'ask-deploy', decision: 'ask', commands: ['deploy*'] },
      { ...host, name: 'no-host', decision: 'deny', hosts: ['denied.example'] },
      { ...host, name: 'ask-host', decision: 'ask', hosts: ['asked.example'] },
    ],
  });
  shop = place.repository('shop', BEFORE);
  chmodSync(path.join(shop.path, '.husky', 'pre-commit'), 0o755);
  shop.commit({});
  core = await place.open();
  siege = laySiege(core);
  await addBrand(core.client, 'acme', shop.path, { test: 'sh ./tools/verify' });
});
afterAll(async () => {
  await siege.end();
  await core.close();
  place.remove();
});

const script = (...steps: unknown[]) => ({
  ...{ runtime: 'scripted' as const, acceptance: ['true'], paths: ['src/**'] },
  command: JSON.stringify(steps),
});
/** Says on the run's socket what is asked, and with which status it was answered. */
const verb = (name: string, command: string) => ({ run: `${command} > /dev/null 2>&1; echo "${name} $?"` });
const planOf = (text: string) => `echo "${text}" | atrium submit plan --file -`;
const review = (version: number) => `atrium submit review --version ${version} --decision approve`;
/** What the tickets' runs printed, by what each was there for. */
const printed = async (ticket: string): Promise<string[]> => {
  const runs = held(await core.client.run.list({ ticket }));
  return Promise.all(
    runs.map(async ({ id }) =>
      (await siege.transcript(id)).flatMap(({ kind, text }) => (kind === 'stdout' ? [text] : [])).join(''),
    ),
  );
};
const asks = async (ticket: string): Promise<AskView[]> =>
  held(await core.client.guard.asks({ all: true })).filter((one) => one.ticket === ticket);
/** Resolves when so many questions of a ticket are open. */
const asked = async (ticket: string, many = 1): Promise<AskView[]> => {
  for await (const item of await core.client.feed({})) {
    if (item.kind !== 'snapshot' && item.kind !== 'activity') continue;
    const open = (await asks(ticket)).filter(({ state }) => state === 'open');
    if (open.length === many) return open;
  }
  throw new Error('the feed ended');
};

test('[A5] [A6] [A9] nothing goes round the plan gate: (plan.early) (plan.result) (plan.self-review) (plan.old-version) (plan.reviewer-writes) (plan.late)', async () => {
  const act = 'touch src/early && git add -A && git commit -qm early';
  const { id } = await siege.order('acme', {
    title: 'Work it out',
    mode: 'plan_first',
    ...script({
      stage: {
        plan: [
          verb('EARLY', act),
          { submit: 'honest' },
          verb('PLAN', planOf('Plan one')),
          verb('SELF', review(1)),
          verb('PLAN', planOf('Plan two')),
          { say: '```atrium-result\n{}\n```' },
        ],
        review: [
          verb('OLD', review(1)),
          verb('PLAN', planOf('Plan of the reviewer')),
          verb('VERDICT', 'atrium submit verdict --verdict pass --commit $(git rev-parse HEAD)'),
          { submit: 'honest' },
          verb('EARLY', act),
          verb('REVIEW', review(2)),
        ],
        work: [
          { run: 'atrium brief | grep -o "Plan [a-z]*$"' },
          verb('LATE', planOf('Plan of another kind')),
          verb('SELF', review(2)),
          verb('EARLY', act),
          { submit: 'honest' },
        ],
      },
    }),
  });
  const merged = await siege.until(id, ({ state }) => state === 'merged' || state === 'blocked');
  const said = (await printed(id)).map((text) => text.trim().split('\n'));
  // The control is in it: what is refused in one stage is taken in another.
  expect(said.slice(0, 3)).toEqual([
    ['EARLY 1', 'PLAN 0', 'SELF 1', 'PLAN 0'],
    ['OLD 1', 'PLAN 1', 'VERDICT 1', 'EARLY 1', 'REVIEW 0'],
    ['Plan two', 'LATE 1', 'SELF 1', 'EARLY 0'],
  ]);
  expect([merged.state, merged.attempts, merged.plan]).toEqual(['merged', 1, 'Plan two']);
  const results = held(await core.client.events({ brand: 'acme', limit: 5_000 })).filter(
    ({ type, stream }) => type === 'result.submitted' && stream === `ticket/${id}`,
  );
  expect(results).toHaveLength(1);
});

test(`[A11] a change that a person decides about halts however it is hidden: ${HIDDEN.map(({ id }) => id).join(', ')}`, async () => {
  const everyday = await siege.order('acme', {
    ...{ title: 'Everyday', paths: ['**'], acceptance: ['true'], command: EVERYDAY },
  });
  const quiet = await siege.until(
    everyday.id,
    ({ state, checkpoint }) => Boolean(checkpoint) || state === 'merged' || state === 'blocked',
  );
  expect([quiet.checkpoint?.hits ?? [], quiet.state]).toEqual([[], 'merged']);

  const before = shop.git('rev-parse', 'main');
  const { id } = await siege.order('acme', {
    ...{ title: 'Hide it', paths: ['**'], acceptance: ['true'] },
    command: HIDDEN.map(({ does }) => does).join('\n'),
  });
  const halted = await siege.until(id, ({ state, checkpoint }) => checkpoint !== null || state === 'blocked');
  const hits = halted.checkpoint?.hits.map((hit) => `${hit.rule} ${hit.path}`) ?? [halted.reason];
  expect(hits).toEqual(expect.arrayContaining(HIDDEN.map(({ shownBy }) => shownBy)));
  expect(shop.git('rev-parse', 'main')).toBe(before);
  // The control: but for the operator's word nothing stops it.
  held(await core.client.checkpoint.approve({ id, commit: halted.checkpoint?.commit ?? '' }));
  expect((await siege.until(id, ({ state }) => state !== 'verifying')).state).toBe('merged');
});

const hook = (command: string) =>
  `printf '%s' '${JSON.stringify({ tool_name: 'Bash', cwd: '/work', tool_input: { command } })}' | atrium hook PreToolUse > /dev/null 2>&1`;
const call = (text: string, then: unknown[]) => ({
  permission: { tool: 'Bash', kind: 'execute', text, then },
});

test('an answer is good for its call, once, while its run lives: (ask.other-call) (ask.again) (ask.hidden-end) (ask.flood) (ask.late-answer)', async () => {
  const { id } = await siege.order('acme', {
    title: 'Ask',
    ...script(
      call(`deploy${' '.repeat(4_000)}; erase everything`, [{ run: 'echo HIDDEN' }]),
      call('deploy one', [{ run: 'echo ONE' }]),
      call('deploy two', [{ run: 'echo TWO' }]),
      call('deploy one', [{ run: 'echo AGAIN' }]),
      {
        run: `for n in $(seq 12); do (${hook('deploy N').replace('deploy N', `deploy '"$n"'`)}) & done; wait`,
      },
    ),
  });
  const texts: string[] = [];
  for (const decision of ['allow', 'deny', 'deny'] as const) {
    const [open] = await asked(id);
    texts.push(open?.text ?? '');
    held(await core.client.guard.answer({ id: open?.id as never, decision }));
  }
  expect(texts).toEqual(['deploy one', 'deploy two', 'deploy one']);
  const flood = await asked(id, 10);
  const [run] = held(await core.client.run.list({ ticket: id }));
  await core.client.ticket.block({ id, reason: 'it has asked enough' });
  for (const one of flood.slice(0, 2))
    expect(await core.client.guard.answer({ id: one.id, decision: 'allow' })).toMatchObject({ ok: false });
  const lines = (await siege.transcript(run?.id ?? ''))
    .flatMap(({ kind, text }) => (kind === 'stdout' ? [text] : []))
    .join('');
  expect(lines.match(/^(HIDDEN|ONE|TWO|AGAIN)$/gm)).toEqual(['ONE']);
  const all = await asks(id);
  expect(all.filter(({ text }) => /^deploy \d+$/.test(text))).toHaveLength(10);
  expect(all.some(({ text }) => text.includes('erase'))).toBe(false);
});

test('what rules say of a host holds for every connection to it (network.ruled-host)', async () => {
  const { id } = await siege.order('acme', {
    ...{ title: 'Connect', paths: ['src/**'], acceptance: ['true'] },
    network: ['denied.example', 'asked.example', 'free.example'],
    command: nodeProgram(
      `import { connect } from 'node:net';
       const tunnel = (host) => new Promise((done) => {
         let said = '';
         const socket = connect(process.env.ATRIUM_SOCKET, () => socket.write('CONNECT ' + host + ':443 HTTP/1.1\\r\\n\\r\\n'));
         socket.on('data', (data) => (said += data)).on('error', () => undefined).on('close', () => done([said.slice(9, 12), said.trim().split('\\n').at(-1)]));
       });
       const hosts = ['denied.example', 'DENIED.example.', 'asked.example', 'asked.example', 'free.example'];
       console.log('LOOT ' + JSON.stringify(await Promise.all(hosts.map(tunnel))));`,
      'exit 1',
    ),
  });
  const [open] = await asked(id);
  expect(open).toMatchObject({ tool: 'connect', text: 'asked.example', rule: 'ask-host' });
  held(await core.client.guard.answer({ id: open?.id as never, decision: 'deny', note: 'not that one' }));
  const ended = await siege.until(id, ({ attemptList }) => (attemptList[0]?.endedAt ?? null) !== null);
  await core.client.ticket.block({ id, reason: 'it has connected enough' });
  const output = (await printed(id)).join('');
  expect(loot({ output, lines: [], ticket: ended })).toEqual([
    ['403', 'it says so (no-host)'],
    ['403', 'it says so (no-host)'],
    ['403', 'the operator says deny: not that one'],
    ['403', 'the operator says deny: not that one'],
    // The control: a host of the same list that no rule speaks of. It is not there.
    ['502', expect.stringContaining('is allowed, but could not be reached')],
  ]);
  expect(await asks(id)).toHaveLength(1);
});
