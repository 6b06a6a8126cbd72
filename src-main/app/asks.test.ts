import { expect, test } from 'vitest';
import type { AskId, BrandId, RunId, TicketId } from '../contract/ids.ts';
import { openEventStore } from '../services/event-store/index.ts';
import { temporaryFolder } from '../services/event-store/testing/store.ts';
import { createAsks, type AskInput } from './asks.ts';
import { brandProjections } from './projections.ts';
import { createRunRecorder } from './run-recorder.ts';

/** A clock that is moved by hand. */
function handTimer() {
  let time = 0;
  const due: { at: number; fn: () => void }[] = [];
  return {
    now: () => time,
    after(ms: number, fn: () => void) {
      const entry = { at: time + ms, fn };
      due.push(entry);
      return () => void due.splice(due.indexOf(entry), due.includes(entry) ? 1 : 0);
    },
    pass(ms: number) {
      time += ms;
      for (const entry of due.filter(({ at }) => at <= time)) {
        due.splice(due.indexOf(entry), 1);
        entry.fn();
      }
    },
  };
}

const WAIT = 60_000;
const run = (n: number) => `R-acme-${n}000` as RunId;
const input = (over: Partial<AskInput> = {}): AskInput => ({
  run: run(1),
  ticket: 'T-acme-1' as TicketId,
  role: 'ticket-executor',
  tool: 'Bash',
  kind: 'execute',
  text: 'deploy',
  paths: [],
  rule: 'ask-deploy',
  level: 'workspace',
  reason: 'because',
  ...over,
});

/** A brand's questions in a core; `file` outlives it. */
function openCore(file: string, timer: ReturnType<typeof handTimer>) {
  const opened = openEventStore({
    file,
    projections: brandProjections,
    onFault: (error) => {
      throw error;
    },
  });
  if (!opened.ok) throw new Error(opened.message);
  const { store } = opened;
  const wall = () => Date.parse('2026-01-01T00:00:00.000Z') + timer.now();
  const record = createRunRecorder(store, () => new Date(wall()).toISOString());
  const asks = createAsks({ brand: 'acme' as BrandId, store, record, timer, wall, waitMs: WAIT });
  const start = (id: RunId) =>
    record(
      id,
      [
        {
          type: 'run.started',
          data: {
            run: id,
            role: 'ticket-executor',
            ticket: 'T-acme-1' as TicketId,
            attempt: null,
            runtime: 'scripted',
            contract: '',
          },
        },
      ],
      { kind: 'core', part: 'test' },
    );
  const interrupt = (id: RunId) =>
    record(id, [{ type: 'run.ended', data: { run: id, outcome: 'interrupted', reason: 'died' } }], {
      kind: 'core',
      part: 'test',
    });
  return { asks, store, start, interrupt };
}

const operator = { kind: 'operator', door: 'cli' } as const;

test('a question that nobody answers becomes a denial at its time, and says so', async () => {
  using folder = temporaryFolder();
  const timer = handTimer();
  const { asks, store, start } = openCore(folder.file, timer);
  start(run(1));
  const waits = asks.ask(input(), 0.1);
  const [open] = asks.list();
  timer.pass(WAIT - 1);
  expect(asks.list()).toHaveLength(1);
  timer.pass(1);
  expect(await waits).toEqual({
    decision: 'deny',
    note: 'nobody answered within 1 minutes',
    answered: false,
  });
  expect(asks.list()).toEqual([]);
  expect(asks.answer(open?.id as AskId, 'allow', '', operator)).toMatchObject({ ok: false });
  store.close();
});

test('a question outlives the core: its time goes on, and its answer holds for the same call of the next run', async () => {
  using folder = temporaryFolder();
  const timer = handTimer();
  const before = openCore(folder.file, timer);
  before.start(run(1));
  const cut = before.asks.ask(input(), 0.1);
  before.asks.close();
  before.asks.endOf(run(1), 'the run that asked ended');
  expect(await cut).toMatchObject({ decision: 'deny', answered: false });
  before.store.close();

  timer.pass(WAIT / 2);
  const after = openCore(folder.file, timer);
  after.interrupt(run(1));
  after.asks.resume();
  const [open] = after.asks.list();
  expect(open).toMatchObject({ state: 'open', text: 'deploy', run: run(1) });

  after.start(run(2));
  const again = after.asks.ask(input({ run: run(2) }), 0.1);
  expect(after.asks.list()).toHaveLength(1);
  expect(after.asks.answer(open?.id as AskId, 'allow', 'go', operator)).toMatchObject({
    ok: true,
    value: { state: 'allowed' },
  });
  expect(await again).toEqual({ decision: 'allow', note: 'go', answered: true });

  const others = [
    input({ run: run(2), text: 'deploy --all' }),
    input({ run: run(2), role: 'verifier' }),
    input({ run: run(2) }),
  ].map((one) => after.asks.ask(one, 0.1));
  expect(after.asks.list().map(({ text }) => text)).toEqual(['deploy --all', 'deploy', 'deploy']);
  after.asks.endOf(run(2), 'the run that asked ended');
  for (const other of others)
    expect(await other).toMatchObject({ decision: 'deny', note: 'the run that asked ended' });
  after.store.close();
});

test('a question that a later run took up is taken up by one call, and goes on without it when that run ends', async () => {
  using folder = temporaryFolder();
  const timer = handTimer();
  const { asks, store, start, interrupt } = openCore(folder.file, timer);
  start(run(1));
  void asks.ask(input(), 0.1);
  interrupt(run(1));
  asks.resume();
  start(run(2));
  const taken = asks.ask(input({ run: run(2) }), 0.1);
  const second = asks.ask(input({ run: run(2) }), 0.1);
  expect(asks.list()).toHaveLength(2);
  asks.endOf(run(2), 'it ended');
  for (const one of [taken, second]) expect(await one).toMatchObject({ decision: 'deny', answered: false });
  const [open] = asks.list();
  expect(asks.answer(open?.id as AskId, 'allow', '', operator)).toMatchObject({ ok: true });
  start(run(3));
  expect(await asks.ask(input({ run: run(3) }), 0.1)).toMatchObject({ decision: 'allow' });
  store.close();
});

test('what cannot be shown whole is not asked, and one run has so many questions open and no more', async () => {
  using folder = temporaryFolder();
  const { asks, store, start } = openCore(folder.file, handTimer());
  start(run(1));
  const long = `deploy ${'x'.repeat(4_000)}; erase`;
  expect(await asks.ask(input({ text: long }), 0.1)).toMatchObject({ decision: 'deny', answered: false });
  const many = Array.from({ length: 51 }, (_, n) => `/work/${n}`);
  expect(await asks.ask(input({ paths: many }), 0.1)).toMatchObject({ decision: 'deny', answered: false });
  expect(asks.list()).toEqual([]);
  for (let n = 0; n < 10; n += 1) void asks.ask(input({ text: `deploy ${n}` }), 0.1);
  expect(await asks.ask(input({ text: 'deploy 10' }), 0.1)).toMatchObject({ decision: 'deny' });
  expect(asks.list()).toHaveLength(10);
  start(run(2));
  void asks.ask(input({ run: run(2) }), 0.1);
  expect(asks.list()).toHaveLength(11);
  store.close();
});

test('what was open past its time when the core ended is over at the next', () => {
  using folder = temporaryFolder();
  const timer = handTimer();
  const before = openCore(folder.file, timer);
  before.start(run(1));
  void before.asks.ask(input(), 0.1);
  before.asks.close();
  before.store.close();
  timer.pass(2 * WAIT);
  const after = openCore(folder.file, timer);
  after.asks.resume();
  timer.pass(0);
  expect(after.asks.list(true)).toMatchObject([{ state: 'expired' }]);
  after.store.close();
});
