import { afterEach, describe, expect, test } from 'vitest';
import type {
  DriveHooks,
  PermissionDecision,
  PermissionRequest,
  Runtime,
  RuntimeEvent,
  RuntimeOutcome,
  Task,
} from '../../src-main/services/runtimes/index.ts';
import { runToolOf } from '../../src-main/contract/run-api.ts';
import { makeRoom } from './runtime-room.ts';
import type { Room } from './runtime-room.ts';

/** How one runtime is brought to behave: its task, and where it is another program that behaves so, that runtime. */
export interface Behaviour {
  task: Partial<Task>;
  runtime?: Runtime;
  dispose?(): Promise<void>;
}

/** What an agent program is made to do. `null` where this runtime has no such thing. */
export interface RuntimeSubject {
  runtime: Runtime;
  /** Says "starting", writes hello.txt with "hello" and commits it. */
  works(room: Room): Promise<Behaviour>;
  /** Ends in failure; the reason must match `says`. */
  fails(room: Room): Promise<Behaviour & { says: RegExp }>;
  /** Says or prints "waiting", and then nothing any more. */
  hangs(room: Room): Promise<Behaviour>;
  /** Writes more than 300,000 bytes. */
  floods(room: Room): Promise<Behaviour>;
  /** Leaves the room's lingering process, says or prints "waiting", and does not end. */
  lingers(room: Room): Promise<Behaviour>;
  /** Ends before it has said anything. */
  exitsAtOnce(room: Room): Promise<Behaviour>;
  /** Asks leave to run a command that writes asked.txt, and then ends well. */
  asks: ((room: Room) => Promise<Behaviour>) | null;
  /** Calls the run's own tool to say "half" as its progress, then to say "rest", and ends well. */
  reports: ((room: Room) => Promise<Behaviour>) | null;
  /** Tells the tokens of its turn, of which there are some both in and out. */
  usage: ((room: Room) => Promise<Behaviour>) | null;
}

/** A run under way, with a clock that only moves when it is told to. */
interface Drive {
  events: RuntimeEvent[];
  asked: PermissionRequest[];
  outcome: Promise<RuntimeOutcome>;
  /** Resolves when what was said or printed holds the words, however they were cut into pieces. */
  seen(words: string): Promise<void>;
  advance(ms: number): void;
  /** Lets that much time pass without an event: now, and again after each one that was still on its way. */
  fallSilent(ms: number): void;
  interrupt(): void;
}

const limits = { quietMs: 60_000, totalMs: 3_600_000, maxOutputBytes: 200_000 };
const allow: PermissionDecision = { decision: 'allow', rule: 'test-allow', reason: 'fine' };

/** What every runtime must do, whatever program is behind it. */
export function describeRuntime(name: string, subject: RuntimeSubject): void {
  describe(`runtime ${name}`, () => {
    const disposals: (() => Promise<void>)[] = [];
    afterEach(async () => {
      for (const dispose of disposals.splice(0).reverse()) await dispose();
    });

    const begin = async (
      behave: (room: Room) => Promise<Behaviour>,
      change: {
        decide?: DriveHooks['decide'];
        interrupted?: boolean;
        limits?: Partial<DriveHooks['limits']>;
      } = {},
    ): Promise<{ room: Room; drive: Drive; behaviour: Behaviour }> => {
      const room = await makeRoom();
      disposals.push(() => room.dispose());
      const behaviour = await behave(room);
      if (behaviour.dispose !== undefined) disposals.push(behaviour.dispose);
      const drive = await start(room, behaviour.runtime ?? subject.runtime, behaviour.task, change);
      disposals.push(async () => {
        drive.interrupt();
        drive.advance(10_000);
        await drive.outcome;
      });
      return { room, drive, behaviour };
    };

    test('does its task and tells what it does, in order', async () => {
      const { room, drive } = await begin(subject.works);
      const outcome = await drive.outcome;
      expect(outcome, JSON.stringify(drive.events)).toMatchObject({ outcome: 'done', transient: false });
      expect(await room.read('hello.txt')).toBe('hello\n');
      expect(room.git('rev-list', '--count', `${room.base}..HEAD`)).toBe('1');
      expect(room.git('status', '--porcelain')).toBe('');
      const started = drive.events.findIndex((event) => event.kind === 'tool' && event.state === 'started');
      const done = drive.events.findIndex((event) => event.kind === 'tool' && event.state === 'done');
      expect(started).toBeGreaterThanOrEqual(0);
      expect(done).toBeGreaterThan(started);
      expect(textOf(drive.events)).toContain('starting');
    });

    test('says why it failed', async () => {
      let says = /./;
      const { drive } = await begin(async (room) => {
        const behaviour = await subject.fails(room);
        says = behaviour.says;
        return behaviour;
      });
      const outcome = await drive.outcome;
      expect(outcome).toMatchObject({ outcome: 'failed', transient: false });
      expect(outcome.reason).toMatch(says);
    });

    test('is ended as a timeout when nothing is heard from it', async () => {
      const { drive } = await begin(subject.hangs);
      await drive.seen('waiting');
      drive.fallSilent(limits.quietMs);
      const outcome = await drive.outcome;
      expect(outcome.outcome).toBe('timeout');
      expect(outcome.reason).toMatch(/Nothing was heard/);
    });

    test('is ended as a timeout when it takes too long', async () => {
      const { drive } = await begin(subject.hangs, { limits: { totalMs: 30_000 } });
      await drive.seen('waiting');
      drive.advance(30_000);
      const outcome = await drive.outcome;
      expect(outcome.outcome).toBe('timeout');
      expect(outcome.reason).toMatch(/took longer than 30 s/);
    });

    test('is ended when it floods, and what it wrote stays bounded', async () => {
      const { drive } = await begin(subject.floods);
      const outcome = await drive.outcome;
      expect(outcome.outcome).toBe('failed');
      expect(outcome.reason).toMatch(/more than 200000 bytes/);
      expect(textOf(drive.events).length).toBeLessThanOrEqual(limits.maxOutputBytes);
    });

    test('is interrupted, and leaves no process', async () => {
      const { room, drive } = await begin(subject.lingers);
      await drive.seen('waiting');
      const lingerer = await Promise.race([room.lingerer, drive.outcome]);
      if (!('gone' in lingerer)) throw new Error(`ended before it lingered: ${JSON.stringify(lingerer)}`);
      drive.interrupt();
      const outcome = await drive.outcome;
      await lingerer.gone;
      expect(outcome.outcome).toBe('stopped');
      expect(outcome.reason).toMatch(/interrupted/);
    });

    test('is ended at once when it was interrupted before it began', async () => {
      const { drive } = await begin(subject.hangs, { interrupted: true });
      drive.advance(10_000);
      expect((await drive.outcome).outcome).toBe('stopped');
    });

    test('that exits at once has failed', async () => {
      const { drive } = await begin(subject.exitsAtOnce);
      const outcome = await drive.outcome;
      expect(outcome).toMatchObject({ outcome: 'failed', transient: false });
      expect(outcome.reason).toMatch(/exit code \d/);
    });

    const { asks, reports, usage } = subject;
    if (asks !== null) {
      test('asks leave, and goes on when it is allowed', async () => {
        const { room, drive } = await begin(asks);
        expect((await drive.outcome).outcome).toBe('done');
        expect(drive.asked).toHaveLength(1);
        expect(drive.asked[0]?.kind).toBe('execute');
        expect(drive.events).toContainEqual(
          expect.objectContaining({ kind: 'permission', decision: 'allow', rule: 'test-allow' }),
        );
        expect(await room.read('asked.txt')).toBe('asked\n');
      });

      test('does not do what it is denied, and is told', async () => {
        const deny = { decision: 'deny', rule: 'test-deny', reason: 'not today' } as const;
        const { room, drive } = await begin(asks, { decide: () => Promise.resolve(deny) });
        expect((await drive.outcome).outcome).toBe('done');
        expect(drive.events).toContainEqual(
          expect.objectContaining({ kind: 'permission', decision: 'deny', rule: 'test-deny' }),
        );
        await expect(room.read('asked.txt')).rejects.toThrow(/ENOENT/);
        expect(textOf(drive.events)).toMatch(/denied|rejected/);
      });

      test('is denied when the one who decides fails', async () => {
        const { room, drive } = await begin(asks, { decide: () => Promise.reject(new Error('no policy')) });
        expect((await drive.outcome).outcome).toBe('done');
        expect(drive.events).toContainEqual(
          expect.objectContaining({ kind: 'permission', decision: 'deny', rule: 'guard-fault' }),
        );
        await expect(room.read('asked.txt')).rejects.toThrow(/ENOENT/);
      });

      test('is not taken to hang while a decision is awaited', async () => {
        let answer = (_decision: PermissionDecision): void => undefined;
        let asking = (): void => undefined;
        const asked = new Promise<void>((resolve) => {
          asking = resolve;
        });
        const { drive } = await begin(asks, {
          decide: () => {
            asking();
            return new Promise((resolve) => {
              answer = resolve;
            });
          },
        });
        await asked;
        drive.advance(limits.quietMs * 2);
        answer(allow);
        expect((await drive.outcome).outcome).toBe('done');
      });
    }
    if (reports !== null) {
      test("has the run's own tools, and each call of them is decided", async () => {
        const words = ['half', 'rest'];
        const { room, drive } = await begin(reports, {
          decide: () => {
            const decision = words.shift() === 'half' ? 'allow' : 'deny';
            return Promise.resolve({ decision, rule: 'test', reason: 'not today' });
          },
        });
        expect(await drive.outcome, JSON.stringify(drive.events)).toMatchObject({ outcome: 'done' });
        expect(drive.asked.map(({ tool, kind }) => [runToolOf(tool), kind])).toEqual([
          ['report_progress', 'other'],
          ['report_progress', 'other'],
        ]);
        expect(room.submitted).toEqual([{ path: '/api/run/progress', body: { text: 'half' } }]);
      });
    }
    if (usage !== null) {
      test('tells its tokens', async () => {
        const { drive } = await begin(usage);
        await drive.outcome;
        const told = drive.events.filter((event) => event.kind === 'usage');
        expect(told.length).toBeGreaterThan(0);
        expect(told.reduce((sum, event) => sum + event.inputTokens, 0)).toBeGreaterThan(0);
        expect(told.reduce((sum, event) => sum + event.outputTokens, 0)).toBeGreaterThan(0);
      });
    }
  });
}

/** Launches a task in a room and drives it. */
export async function start(
  room: Room,
  runtime: Runtime,
  given: Partial<Task>,
  change: {
    decide?: DriveHooks['decide'];
    interrupted?: boolean;
    limits?: Partial<DriveHooks['limits']>;
  } = {},
): Promise<Drive> {
  const task: Task = {
    ticket: room.ticket,
    prompt: 'Do what the ticket says.',
    command: null,
    model: null,
    title: 'Say hello',
    gatewayUrl: 'http://127.0.0.1:9',
    session: null,
    tools: null,
    ...given,
  };
  const needs = runtime.prepare(task);
  if (!needs.ok) throw new Error(needs.failure.message);
  const events: RuntimeEvent[] = [];
  const asked: PermissionRequest[] = [];
  const watchers = new Set<() => void>();
  const clock = stoppedClock();
  const abort = new AbortController();
  if (change.interrupted === true) abort.abort();
  const outcome = runtime.drive(await room.launch(needs.value), task, {
    onEvent: (event) => {
      events.push(event);
      for (const watcher of [...watchers]) watcher();
    },
    decide: async (request) => {
      asked.push(request);
      return await (change.decide?.(request) ?? allow);
    },
    signal: abort.signal,
    now: clock.now,
    after: clock.after,
    limits: { ...limits, ...change.limits },
  });
  return {
    events,
    asked,
    outcome,
    seen: (words) => {
      const wanted = new Promise<void>((resolve) => {
        const look = (): void => {
          if (textOf(events).includes(words)) resolve();
        };
        watchers.add(look);
        look();
      });
      const early = outcome.then((end) => {
        if (textOf(events).includes(words)) return;
        throw new Error(`ended before "${words}": ${JSON.stringify(end)} ${JSON.stringify(events)}`);
      });
      return Promise.race([wanted, early]);
    },
    advance: clock.advance,
    fallSilent: (ms) => {
      watchers.add(() => clock.advance(ms));
      clock.advance(ms);
    },
    interrupt: () => abort.abort(),
  };
}

function stoppedClock(): { now(): number; after: DriveHooks['after']; advance(ms: number): void } {
  let time = 0;
  const timers = new Set<{ at: number; fn: () => void }>();
  return {
    now: () => time,
    after: (ms, fn) => {
      const timer = { at: time + ms, fn };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    advance: (ms) => {
      time += ms;
      for (const timer of [...timers].filter(({ at }) => at <= time)) {
        timers.delete(timer);
        timer.fn();
      }
    },
  };
}

function textOf(events: RuntimeEvent[]): string {
  return events.map((event) => ('text' in event && event.kind !== 'permission' ? event.text : '')).join('');
}
