import { randomBytes } from 'node:crypto';
import type { Actor } from '../contract/events.ts';
import { fail, ok, type Result } from '../contract/errors.ts';
import type { AskView } from '../contract/guard.ts';
import type { AskId, BrandId, RunId } from '../contract/ids.ts';
import type { EventStore } from '../services/event-store/index.ts';
import type { Ask } from './projections.ts';
import type { RecordOfRun } from './run-recorder.ts';
import type { Timer } from './timer.ts';

/** What the operator is asked: the call, and the rule that asks. */
export type AskInput = Pick<
  AskView,
  'run' | 'ticket' | 'role' | 'tool' | 'kind' | 'text' | 'paths' | 'rule' | 'level' | 'reason'
>;

/** How a question ended. */
export interface AskEnd {
  decision: 'allow' | 'deny';
  note: string;
  /** False where nobody answered. */
  answered: boolean;
}

/**
 * Questions of the guard to the operator. Each is an event before anybody waits for it. What the operator answers to a run that
 * the end of the core interrupted holds for the same call of the next run of its ticket and role: an allowance once.
 */
export interface Asks {
  /** Asks, and settles with the answer; nobody within the time is a denial. `ms` is how long it took to decide to ask. */
  ask(input: AskInput, ms: number): Promise<AskEnd>;
  answer(id: AskId, decision: 'allow' | 'deny', note: string, actor: Actor): Result<AskView>;
  /** The open ones, oldest first; with `all` also those that ended, newest first. */
  list(all?: boolean): AskView[];
  /** The run is over: what it still waits for ends, and it asks nothing any more. */
  endOf(run: RunId, reason: string): void;
  /** Takes up what was open when the core ended: its time goes on, or is over. */
  resume(): void;
  /** Nobody waits any more; what is open stays so for the next core. */
  close(): void;
}

const core: Actor = { kind: 'core', part: 'guard' };
/** Of a call that the operator is asked about: it is shown whole, or not asked about at all. */
const MOST_TEXT = 4_000;
const MOST_PATHS = 50;
/** So many questions of one run may be open at a time: one that asks without end must not hide what others ask. */
const MOST_OPEN = 10;
const MOST_SHOWN = 200;

export function createAsks(options: {
  brand: BrandId;
  store: EventStore;
  record: RecordOfRun;
  timer: Timer;
  /** Milliseconds since the epoch, by the machine's clock: the calendar of rehearsals does not move it. */
  wall(): number;
  /** How long an answer is waited for, in milliseconds. */
  waitMs: number;
}): Asks {
  const { brand, store, record, timer, wall } = options;
  /** Runs that are over: nothing is asked on their behalf any more. */
  const over = new Set<RunId>();
  /** Allowances that a later run has made use of. */
  const used = new Set<AskId>();
  /** Every open question, with the run that waits for its answer now; null where none does. */
  const waiting = new Map<AskId, { by: RunId | null; settle: (end: AskEnd) => void; cancel: () => void }>();
  let closed = false;

  const parse = (rows: { record: string }[]) =>
    rows.map((row) => ({ ...(JSON.parse(row.record) as Ask), brand }));
  const get = (id: AskId): AskView | undefined =>
    parse(store.query('SELECT record FROM projection_asks WHERE id = ?', id))[0];
  const open = (): AskView[] =>
    parse(store.query("SELECT record FROM projection_asks WHERE state = 'open' ORDER BY position"));

  const settle = (id: AskId, end: AskEnd): void => {
    const entry = waiting.get(id);
    waiting.delete(id);
    entry?.cancel();
    entry?.settle(end);
  };

  const expire = (ask: AskView, reason: string): void => {
    if (closed || get(ask.id)?.state !== 'open') return;
    record(ask.run, [{ type: 'guard.expired', data: { ask: ask.id, run: ask.run, reason } }], core);
    settle(ask.id, { decision: 'deny', note: reason, answered: false });
  };

  /** Has the question expire at its time, whoever waits for it. */
  const watch = (ask: AskView, by: RunId | null, settleWith: (end: AskEnd) => void): void => {
    waiting.get(ask.id)?.cancel();
    const left = Math.max(0, Date.parse(ask.expiresAt) - wall());
    const minutes = Math.round(options.waitMs / 6_000) / 10;
    const cancel = timer.after(left, () => expire(ask, `nobody answered within ${minutes} minutes`));
    waiting.set(ask.id, { by, settle: settleWith, cancel });
  };

  /** The same call of a run of this ticket that the core's end interrupted, asked or answered before. */
  const before = (input: AskInput): AskView | undefined => {
    if (input.ticket === null) return undefined;
    return parse(
      store.query<{ record: string }>(
        `SELECT a.record FROM projection_asks a JOIN projection_runs r ON r.id = a.run
         WHERE a.ticket = ? AND a.state != 'expired' AND r.state IN ('interrupted', 'stopped') ORDER BY a.position DESC`,
        input.ticket,
      ),
    ).find((ask) => sameCall(ask, input) && !used.has(ask.id) && !waiting.get(ask.id)?.by);
  };

  return {
    ask(input, ms) {
      if (closed) return Promise.resolve({ decision: 'deny', note: 'the core ends', answered: false });
      const refuse = (note: string): Promise<AskEnd> =>
        Promise.resolve({ decision: 'deny', note, answered: false });
      if (over.has(input.run)) return refuse('the run that asked ended');
      if (input.text.length > MOST_TEXT || input.paths.length > MOST_PATHS)
        return refuse(
          `the call is longer than the ${MOST_TEXT} characters and ${MOST_PATHS} paths that can be shown`,
        );
      const earlier = before(input);
      if (earlier && earlier.state !== 'open') {
        if (earlier.state === 'allowed') used.add(earlier.id);
        return Promise.resolve({
          decision: earlier.state === 'allowed' ? 'allow' : 'deny',
          note: earlier.note,
          answered: true,
        });
      }
      if (!earlier && open().filter(({ run }) => run === input.run).length >= MOST_OPEN)
        return refuse(`${MOST_OPEN} questions of this run are open already`);
      return new Promise((settleWith) => {
        if (earlier) {
          watch(earlier, input.run, (end) => {
            if (end.decision === 'allow') used.add(earlier.id);
            settleWith(end);
          });
          return;
        }
        const id = `A-${brand}-${randomBytes(5).toString('hex')}` as AskId;
        const expiresAt = new Date(wall() + options.waitMs).toISOString();
        record(
          input.run,
          [{ type: 'guard.asked', data: { ask: id, ...input, paths: [...input.paths], expiresAt, ms } }],
          {
            kind: 'run',
            run: input.run,
            role: input.role,
          },
        );
        const made = get(id);
        if (made) watch(made, input.run, settleWith);
        else settleWith({ decision: 'deny', note: 'the question could not be kept', answered: false });
      });
    },
    answer(id, decision, note, actor) {
      const ask = get(id);
      if (!ask) return fail('not-found', `there is no question ${id}`, 'see "atrium guard asks"');
      if (ask.state === (decision === 'allow' ? 'allowed' : 'denied')) return ok(ask);
      if (ask.state !== 'open')
        return fail(
          'refused-transition',
          `${id} was ${ask.state} already${ask.note === '' ? '' : `: ${ask.note}`}`,
          'see "atrium guard asks" for what is open',
        );
      record(ask.run, [{ type: 'guard.answered', data: { ask: id, run: ask.run, decision, note } }], actor);
      settle(id, { decision, note, answered: true });
      return ok(get(id) ?? ask);
    },
    list: (all = false) =>
      all
        ? parse(store.query('SELECT record FROM projection_asks ORDER BY position DESC LIMIT ?', MOST_SHOWN))
        : open(),
    endOf(run, reason) {
      over.add(run);
      for (const ask of open()) {
        const entry = waiting.get(ask.id);
        if (ask.run === run) expire(ask, reason);
        else if (entry?.by === run) {
          watch(ask, null, () => undefined);
          entry.settle({ decision: 'deny', note: reason, answered: false });
        }
      }
    },
    resume() {
      for (const ask of open()) watch(ask, null, () => undefined);
    },
    close() {
      closed = true;
      for (const id of [...waiting.keys()])
        settle(id, { decision: 'deny', note: 'the core ends', answered: false });
    },
  };
}

function sameCall(ask: AskView, input: AskInput): boolean {
  return (
    ask.role === input.role &&
    ask.rule === input.rule &&
    ask.tool === input.tool &&
    ask.kind === input.kind &&
    ask.text === input.text &&
    ask.paths.join('\n') === input.paths.join('\n')
  );
}
