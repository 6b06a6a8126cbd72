import { randomBytes } from 'node:crypto';
import { EventEmitter, on } from 'node:events';
import type { PhaseView, StartReport } from '../contract/start.ts';
import type { TicketId } from '../contract/ids.ts';
import type { Ticket } from '../domain/ticket.ts';
import type { Actor } from '../contract/events.ts';
import { plural } from '../domain/plural.ts';
import { countWaiting } from '../domain/waiting.ts';
import type { Brand } from './brand.ts';
import type { Calendar } from './calendar.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { Doctor } from './doctor/index.ts';
import type { Exporter } from './exports.ts';
import { cleanUp, overdueCheckouts } from './housekeeping.ts';
import { raiseHousekeeping, settleHousekeeping } from './housekeeping-tickets.ts';
import type { Reactor } from '../services/event-store/index.ts';
import type { Knowledge } from './knowledge.ts';
import { waitingIn } from './waiting.ts';
import type { WorkspaceLog } from './workspace-log.ts';

/** What `start` works on. */
export interface StartBrand {
  brand: Brand;
  dispatcher: Dispatcher;
  knowledge: Knowledge;
  exporter: Exporter;
  publication: Reactor;
}

export interface StartOptions {
  dryRun: boolean;
  /** Returns after dispatch. */
  detach: boolean;
  phase?: number;
}

export const PHASES = [
  'initialise',
  'scout',
  'housekeeping',
  'outstanding',
  'brief',
  'interview',
  'draft and approve',
  'dispatch',
  'distil and close',
] as const;

const core: Actor = { kind: 'core', part: 'start' };

/** What a phase did; `runs` is filled in from the log. */
type Outcome = Pick<PhaseView, 'outcome' | 'reason'>;

/** The day's one command. A second start joins the first. */
export interface Start {
  run(options: StartOptions, signal?: AbortSignal): AsyncGenerator<StartReport>;
  last(): StartReport | null;
  running(): boolean;
}

export function createStart(parts: {
  brands(): StartBrand[];
  doctor: Pick<Doctor, 'current'>;
  log: WorkspaceLog;
  calendar: Calendar;
  keepHistory(): Promise<void>;
  onReport(report: StartReport, ended: boolean): void;
  onFault(error: unknown): void;
}): Start {
  let current: { emitter: EventEmitter; report: StartReport; done: boolean } | null = null;
  let last = parts.log.lastStart();

  const phases: readonly ((options: StartOptions) => Promise<Outcome>)[] = [
    () => {
      const closed = parts.brands().length === 0;
      return Promise.resolve(
        closed
          ? { outcome: 'skipped', reason: 'no brand is open yet: add one' }
          : { outcome: 'ran', reason: `${plural(parts.brands().length, 'brand')} open` },
      );
    },
    notBuilt,
    async ({ dryRun }) => {
      let overdue = 0;
      for (const { brand } of parts.brands())
        overdue += dryRun
          ? (await overdueCheckouts(brand, parts.calendar.now())).length
          : await cleanUp(brand, parts.calendar.now());
      const housekeeping = dryRun ? [] : await examine();
      const said = [
        ...(overdue === 0 ? [] : [`${overdue} overdue checkouts removed`]),
        ...housekeeping.map(({ id, draft }) => `${id}: ${draft.title}`),
      ];
      return said.length === 0
        ? { outcome: 'skipped', reason: 'no checkout is overdue, every check of the doctor holds' }
        : { outcome: 'ran', reason: said.join('; ') };
    },
    () => {
      const open = parts
        .brands()
        .reduce(
          (sum, { brand }) =>
            sum + brand.tickets.inStates(['draft', 'ready', 'in_progress', 'verifying']).length,
          0,
        );
      return Promise.resolve(
        open === 0
          ? { outcome: 'skipped', reason: 'nothing is outstanding' }
          : { outcome: 'ran', reason: `${plural(open, 'ticket')} outstanding` },
      );
    },
    notBuilt,
    notBuilt,
    () => {
      const { approvals } = waiting();
      return Promise.resolve(
        approvals === 0
          ? { outcome: 'skipped', reason: 'no draft waits for approval' }
          : {
              outcome: 'waiting',
              reason: `${plural(approvals, 'draft')} ${approvals === 1 ? 'waits' : 'wait'} for approval`,
            },
      );
    },
    async ({ dryRun, detach }) => {
      const ready = parts
        .brands()
        .flatMap(({ brand }) => brand.tickets.inStates(['ready', 'in_progress', 'verifying']));
      if (ready.length === 0) return { outcome: 'skipped', reason: 'no approved ticket waits' };
      if (dryRun) return { outcome: 'ran', reason: plural(ready.length, 'ticket') };
      for (const { dispatcher } of parts.brands()) dispatcher.open();
      if (detach) return { outcome: 'ran', reason: `${plural(ready.length, 'ticket')} dispatched` };
      // A brand's end may free a slot for another: until none has anything left.
      do await Promise.all(parts.brands().map(({ dispatcher }) => dispatcher.drained()));
      while (parts.brands().some(({ dispatcher }) => dispatcher.busy().length > 0));
      const left = parts
        .brands()
        .flatMap(({ brand, dispatcher }) =>
          brand.tickets
            .inStates(['ready', 'in_progress', 'verifying'])
            .map((ticket) => `${ticket.id}: ${dispatcher.waitingReason(ticket.id) ?? ticket.reason}`),
        );
      return left.length === 0
        ? { outcome: 'ran', reason: `${plural(ready.length, 'ticket')} brought to an end` }
        : { outcome: 'waiting', reason: left.join('; ') };
    },
    async ({ dryRun }) => {
      if (dryRun) return { outcome: 'skipped', reason: 'nothing merged waits to be distilled' };
      const troubles: string[] = [];
      for (const one of parts.brands())
        await closeDay(one).catch((error: unknown) => {
          troubles.push(`${one.brand.id}: ${error instanceof Error ? error.message : String(error)}`);
        });
      await parts.keepHistory();
      if (troubles.length > 0) return { outcome: 'failed', reason: troubles.join('; ') };
      const merged = current?.report.merged ?? [];
      const claims = parts
        .brands()
        .reduce((sum, { brand }) => sum + merged.reduce((n, id) => n + claimsOf(brand, id), 0), 0);
      return claims > 0
        ? { outcome: 'ran', reason: `${plural(claims, 'claim')} on pages` }
        : { outcome: 'skipped', reason: 'nothing was merged that is not distilled already' };
    },
  ];

  const waiting = () => countWaiting(parts.brands().flatMap(({ brand }) => waitingIn(brand)));
  /** What the doctor finds and nobody has put right becomes a ticket, or brings the one that is there up to date. */
  const examine = async (): Promise<Ticket[]> => {
    const brands = parts.brands().map(({ brand }) => brand);
    const report = await parts.doctor.current();
    settleHousekeeping(brands, report);
    return raiseHousekeeping(brands, report);
  };
  const runsStarted = () =>
    parts.brands().reduce((sum, { brand }) => sum + countEvents(brand, 'run.started'), 0);

  const carryOut = async (
    options: StartOptions,
    tell: (report: StartReport) => void,
  ): Promise<StartReport> => {
    // What ended since the last start is news too: an approved ticket need not wait for one.
    const heads = new Map(parts.brands().map(({ brand }) => [brand, last?.positions[brand.id] ?? 0]));
    const run = `S-${randomBytes(6).toString('hex')}`;
    if (!options.dryRun)
      parts.log.record('starts', [{ type: 'start.began', data: { run, day: parts.calendar.today() } }], core);
    let report: StartReport = {
      run,
      phases: [],
      waiting: waiting(),
      merged: [],
      blocked: [],
    };
    const update = (phasesNow: PhaseView[]) => {
      const ended = [...heads].flatMap(([brand, head]) => endedSince(brand, head));
      report = {
        ...report,
        phases: phasesNow,
        waiting: waiting(),
        merged: ended.flatMap((one) => (one.blocked === null ? [one.id] : [])),
        blocked: ended.flatMap((one) => (one.blocked === null ? [] : [{ id: one.id, reason: one.blocked }])),
      };
      tell(report);
    };
    const done: PhaseView[] = [];
    for (const [number, phase] of phases.entries()) {
      if (options.phase !== undefined && options.phase !== number) continue;
      const name = PHASES[number] ?? '';
      const began = performance.now();
      const runsBefore = runsStarted();
      update([...done, { number, name, outcome: 'running', reason: '', ms: 0, runs: 0 }]);
      let outcome: Outcome;
      try {
        outcome = await phase(options);
      } catch (error) {
        outcome = { outcome: 'failed', reason: error instanceof Error ? error.message : String(error) };
      }
      done.push({
        number,
        name,
        outcome: options.dryRun
          ? outcome.outcome === 'skipped'
            ? 'would-skip'
            : 'would-run'
          : outcome.outcome,
        reason: outcome.reason,
        ms: Math.round(performance.now() - began),
        runs: runsStarted() - runsBefore,
      });
      update(done);
    }
    return report;
  };

  async function* run(options: StartOptions, signal?: AbortSignal): AsyncGenerator<StartReport> {
    if (options.dryRun) {
      yield await carryOut(options, () => undefined);
      return;
    }
    const joined = current;
    const state = joined ?? {
      emitter: new EventEmitter().setMaxListeners(0),
      report: emptyReport(),
      done: false,
    };
    const changes = on(state.emitter, 'report', { close: ['done'], ...(signal ? { signal } : {}) });
    if (!joined) {
      current = state;
      void carryOut(options, (report) => {
        state.report = report;
        state.emitter.emit('report', report);
        parts.onReport(report, false);
      })
        .then((report) => {
          const positions = Object.fromEntries(
            parts.brands().map(({ brand }) => [brand.id, brand.store.head().position]),
          );
          parts.log.record(
            'starts',
            [{ type: 'start.ended', data: { run: report.run, report, positions } }],
            core,
          );
          last = { report, positions };
          state.report = report;
          parts.onReport(report, true);
        })
        .catch((error: unknown) => parts.onFault(error))
        .finally(() => {
          current = null;
          state.done = true;
          state.emitter.emit('done');
        });
    }
    try {
      for await (const [report] of changes as AsyncIterable<[StartReport]>) yield report;
    } catch (error) {
      if (!(error instanceof Error && error.name === 'AbortError')) throw error;
    }
    yield state.report;
  }

  return { run, last: () => last?.report ?? null, running: () => current !== null };
}

/** What one brand's day ends with. Trouble in it keeps no other brand from its own end. */
async function closeDay({ knowledge, publication, exporter }: StartBrand): Promise<void> {
  publication.retry();
  await publication.drain();
  await knowledge.drain();
  exporter.write();
}

function notBuilt(): Promise<Outcome> {
  return Promise.resolve({ outcome: 'skipped', reason: 'not built' });
}

function emptyReport(): StartReport {
  return { run: '', phases: [], waiting: countWaiting([]), merged: [], blocked: [] };
}

function countEvents(brand: Brand, type: string): number {
  return (
    brand.store.query<{ n: number }>('SELECT COUNT(*) AS n FROM projection_activity WHERE type = ?', type)[0]
      ?.n ?? 0
  );
}

/** How many claims were written about a ticket. */
function claimsOf(brand: Brand, ticket: TicketId): number {
  return (
    brand.store.query<{ n: number }>(
      "SELECT COUNT(*) AS n FROM projection_activity WHERE type = 'page.written' AND ticket = ?",
      ticket,
    )[0]?.n ?? 0
  );
}

function endedSince(brand: Brand, position: number): { id: TicketId; blocked: string | null }[] {
  return brand.store
    .query<{ ticket: TicketId; type: string }>(
      "SELECT ticket, type FROM projection_activity WHERE position > ? AND type IN ('ticket.merged', 'ticket.blocked') ORDER BY position",
      position,
    )
    .map(({ ticket, type }) => {
      const blocked = brand.tickets.get(ticket)?.blocked;
      return {
        id: ticket,
        blocked: type === 'ticket.blocked' ? `${blocked?.reason ?? ''}: ${blocked?.detail ?? ''}` : null,
      };
    });
}
