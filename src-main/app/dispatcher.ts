import { readdirSync } from 'node:fs';
import type { Actor } from '../contract/events.ts';
import type { Failure } from '../contract/errors.ts';
import { TicketId, type BrandId } from '../contract/ids.ts';
import { needsPlanning, planState } from '../domain/plan-gate.ts';
import { asksAboutConflict } from '../domain/questions.ts';
import { openAttempt, waitsForAnswer, type Ticket } from '../domain/ticket.ts';
import { schedule, WAITS_FOR_SLOT } from '../domain/scheduling.ts';
import type { Attempts } from './attempts.ts';
import type { Brand } from './brand.ts';
import type { Gate } from './gate.ts';
import type { Plans } from './plans.ts';
import { checkoutFolder } from './places.ts';
import type { FolderWatch } from './folder-watch.ts';

/** Slots for runs, shared by all brands of the workspace. */
export interface Slots {
  free(): number;
  take(): void;
  /** Gives a slot back, and lets every brand look for work. */
  give(): void;
}

/**
 * Brings one brand's approved tickets to their end. It holds no state of its own: what to do next is derived from the tickets,
 * so a restart goes on where the log stands.
 */
export interface Dispatcher {
  /** Looks for work now; cheap when there is none. */
  wake(): void;
  /** Starts what is approved, also where approvals alone start nothing; until all of it has ended. */
  open(): void;
  /** Looks again at what waits for the operator's repository or folder. */
  lookAgain(): void;
  /** Tickets in hand. */
  busy(): TicketId[];
  /** Resolves when nothing is in hand and nothing can go on without a person. */
  drained(): Promise<void>;
  /** Takes no more work, and resolves when what is in hand has ended. */
  close(): Promise<void>;
  /** Why a ready ticket waits, in words. */
  waitingReason(ticket: TicketId): string | undefined;
}

const core: Actor = { kind: 'core', part: 'dispatch' };

export function createDispatcher(parts: {
  brand: Brand;
  attempts: Attempts;
  plans: Plans;
  gate: Gate;
  slots: Slots;
  /** Null where agents can run; else one sentence why not. */
  obstacle(): Promise<string | null>;
  /** Calls back when something in a folder of the operator's may have changed. */
  watchFolder: FolderWatch;
  /** Whether an approval alone starts a ticket. */
  opened: boolean;
  onFault(error: unknown, brand: BrandId): void;
}): Dispatcher {
  const { brand, attempts, plans, gate, slots } = parts;
  const { tickets } = brand;
  const inHand = new Map<TicketId, Promise<void>>();
  /** Candidates that wait for the operator's folder; `look` says that it may have changed since. */
  const atGate = new Map<TicketId, { look: boolean; stop(): void }>();
  /** Tickets that no attempt can be started for until the operator's repository is put right. */
  const held = new Map<TicketId, { reason: string; look: boolean; stop(): void }>();
  const reasons = new Map<TicketId, string>();
  let opened = parts.opened;
  let closed = false;
  let settled = false;
  /** Something waits for a slot that another brand holds: it is woken when that one is given back. */
  let wantsSlot = false;
  let looking: Promise<void> | null = null;
  let again = false;
  const drains = new Set<() => void>();

  const wake = () => {
    if (closed) return;
    if (looking) {
      again = true;
      return;
    }
    looking = look()
      .catch((error: unknown) => parts.onFault(error, brand.id))
      .finally(() => {
        looking = null;
        if (again) {
          again = false;
          wake();
        } else settle();
      });
  };

  const settle = () => {
    if (looking || again || inHand.size > 0 || (wantsSlot && !closed)) return;
    opened = parts.opened;
    for (const done of drains) done();
    drains.clear();
  };

  const look = async () => {
    if (!settled) {
      settleWithdrawals();
      await settleCheckouts();
    }
    settled = true;
    wantsSlot = false;
    const open = tickets.inStates(['ready', 'in_progress', 'verifying']);
    if (open.length === 0) return;
    const obstacle = await parts.obstacle();
    if (obstacle !== null) {
      for (const ticket of open) reasons.set(ticket.id, obstacle);
      return;
    }
    reasons.clear();
    for (const ticket of open)
      if (
        ticket.candidate &&
        !inHand.has(ticket.id) &&
        !stopsAtCheckpoint(ticket) &&
        !asksAboutConflict(ticket) &&
        atGate.get(ticket.id)?.look !== false
      )
        takeInHand(ticket.id, () => judge(ticket.id));
    const waiting = new Set(open.filter(waitsForPerson).map((ticket) => ticket.id));
    for (const ticket of open)
      if (waiting.has(ticket.id) && !inHand.has(ticket.id) && plans.canReview(ticket) && slots.free() > 0)
        takeInHand(ticket.id, () => review(ticket.id));
    const free = open.filter((ticket) => held.get(ticket.id)?.look !== false && !waiting.has(ticket.id));
    const plan = schedule([...free, ...dependenciesOf(open)].map(schedulable), opened ? slots.free() : 0);
    wantsSlot = opened && plan.wait.some(({ reason }) => reason === WAITS_FOR_SLOT);
    for (const [id, { reason }] of held) reasons.set(id, reason);
    for (const { id, reason } of plan.wait)
      reasons.set(id, reason === WAITS_FOR_SLOT && !opened ? 'waits for the next start' : reason);
    for (const { id, dependency } of plan.block) {
      const detail = `it depends on ${dependency}, which is blocked`;
      tickets.execute(
        id,
        { type: 'block', reason: 'dependency', detail, successor: null },
        core,
        `dependency:${id}`,
      );
      again = true;
    }
    for (const id of plan.start) {
      if (withdrawChanged(id)) continue;
      takeInHand(id, () => start(id));
    }
  };

  const dependenciesOf = (open: readonly Ticket[]): Ticket[] => {
    const known = new Set(open.map((ticket) => ticket.id));
    const others = new Set(open.flatMap((ticket) => ticket.draft.dependsOn).filter((id) => !known.has(id)));
    return [...others].flatMap((id) => tickets.get(id) ?? []);
  };

  const schedulable = (ticket: Ticket) => ({
    id: ticket.id,
    state: ticket.state,
    priority: ticket.draft.priority,
    createdAt: ticket.createdAt,
    repository: ticket.repository,
    paths: ticket.draft.paths,
    dependsOn: ticket.draft.dependsOn,
    busy:
      inHand.has(ticket.id) ||
      atGate.has(ticket.id) ||
      ticket.plan.run !== null ||
      openAttempt(ticket) !== undefined,
  });

  /** An edit of a ready ticket drafts its successor first; a crash in between is made good here. */
  const settleWithdrawals = () => {
    for (const draft of tickets.inStates(['draft'])) {
      if (!draft.predecessor || tickets.get(draft.predecessor)?.state !== 'ready') continue;
      const detail = `withdrawn by an edit; goes on as ${draft.id}`;
      tickets.execute(
        draft.predecessor,
        { type: 'block', reason: 'withdrawn', detail, successor: draft.id },
        core,
      );
    }
  };

  /** What was approved is that exact text: contract and checks included. A change drafts a successor. */
  const withdrawChanged = (id: TicketId): boolean => {
    const ticket = tickets.get(id);
    if (!ticket) return true;
    const content = brand.content(ticket.draft);
    if (content.ok && content.value.hash === ticket.approvedHash) return false;
    const successor = content.ok ? tickets.draft(content.value, core, id, `changed:${id}`) : null;
    const to = successor?.ok ? successor.value.id : null;
    const detail = content.ok
      ? `its contract, checks or repository changed after the approval${to ? `; goes on as ${to}` : ''}`
      : content.failure.message;
    tickets.execute(id, { type: 'block', reason: 'changed', detail, successor: to }, core);
    return true;
  };

  const takeInHand = (id: TicketId, work: () => Promise<void>) => {
    slots.take();
    const done = work()
      .catch((error: unknown) => {
        if (closed) return;
        parts.onFault(error, brand.id);
        try {
          failOpenAttempt(id, error);
        } catch (worse) {
          parts.onFault(worse, brand.id);
          hold(id, 'Atrium could not record what went wrong; see the log of the core');
        }
      })
      .finally(() => {
        inHand.delete(id);
        slots.give();
        wake();
      });
    inHand.set(id, done);
  };

  /** A fault of Atrium's own ends the attempt like any failure, so that it is seen and cannot repeat for ever. */
  const failOpenAttempt = (id: TicketId, error: unknown) => {
    const ticket = tickets.get(id);
    const attempt = ticket && openAttempt(ticket);
    const reason = `Atrium could not go on: ${error instanceof Error ? error.message : String(error)}`;
    if (!attempt) {
      hold(id, reason);
      return;
    }
    tickets.execute(
      id,
      { type: 'end-attempt', attempt: attempt.id, outcome: 'failed', reason, counts: true },
      core,
      `end:${attempt.id}`,
    );
  };

  const start = async (id: TicketId) => {
    const kept = held.get(id);
    if (kept) kept.look = false;
    const ticket = tickets.get(id);
    if (ticket && needsPlanning(ticket)) {
      const planned = await plans.plan(id);
      if (planned.ok) release(id);
      else refuse(id, planned.failure);
      return;
    }
    const execution = await attempts.carryOut(id);
    if (!execution.ok) {
      refuse(id, execution.failure);
      return;
    }
    release(id);
    if (execution.value.candidate) await judge(id);
    else await settleAfter(id);
  };

  /** What ended may have made room for what is held. */
  const settleAfter = async (id: TicketId) => {
    await tidy(id);
    for (const entry of held.values()) entry.look = true;
  };

  /** A reviewer's run that could not be started leaves the plan to the operator. */
  const review = async (id: TicketId) => {
    const reviewed = await plans.review(id);
    if (!reviewed.ok) parts.onFault(new Error(reviewed.failure.message), brand.id);
  };

  /** Nothing could be started: it waits for the operator's repository, or it is blocked. */
  const refuse = (id: TicketId, failure: Failure) => {
    const { code, message, hint } = failure;
    const detail = `${message.replace(/\.$/, '')}${hint ? `; ${hint}` : ''}`;
    if (code === 'repository-unusable') {
      hold(id, detail);
      return;
    }
    release(id);
    tickets.execute(id, { type: 'block', reason: 'refused', detail, successor: null }, core);
  };

  /** What the operator puts right in the repository's folder, or the next start, lets the ticket go on. */
  const hold = (id: TicketId, reason: string) => {
    const before = held.get(id);
    if (before) {
      before.reason = reason;
      return;
    }
    const name = tickets.get(id)?.repository;
    const folder = brand.config.repositories.find((repository) => repository.name === name)?.path;
    const entry = { reason, look: false, stop: (): void => undefined };
    held.set(id, entry);
    if (folder === undefined || closed) return;
    entry.stop = parts.watchFolder(folder, () => {
      entry.look = true;
      wake();
    });
  };

  const release = (id: TicketId) => {
    held.get(id)?.stop();
    held.delete(id);
  };

  const judge = async (id: TicketId) => {
    if (closed) return;
    const watched = atGate.get(id);
    if (watched) watched.look = false;
    const outcome = await gate.pass(id);
    if (outcome.outcome === 'waiting') {
      if (!watched && !closed) watchAtGate(id, outcome.folder);
      return;
    }
    watched?.stop();
    atGate.delete(id);
    await settleAfter(id);
  };

  const watchAtGate = (id: TicketId, folder: string) => {
    const entry = { look: false, stop: () => undefined as void };
    atGate.set(id, entry);
    entry.stop = parts.watchFolder(folder, () => {
      entry.look = true;
      wake();
    });
  };

  /** A merge is followed by the end of its checkout; a crash in between is made good here. */
  const settleCheckouts = async () => {
    for (const name of readdirSync(brand.places.checkouts)) {
      const id = TicketId.safeParse(name);
      if (!id.success || tickets.get(id.data)?.state !== 'merged') continue;
      if (brand.store.receipt(`tidy:${id.data}`) === undefined) await tidy(id.data);
    }
  };

  /** What ended keeps no checkout, but a blocked ticket's, which stays to be looked at. */
  const tidy = async (id: TicketId) => {
    const ticket = tickets.get(id);
    if (!ticket || ticket.state === 'blocked' || openAttempt(ticket)) return;
    const repository = brand.repository(ticket.repository);
    if (!repository.ok) return;
    const folder = checkoutFolder(brand.places, id);
    const kept = await brand.rooms.remove(repository.value.git, folder);
    for (const attempt of ticket.attempts) await repository.value.git.unpinBase(attempt.id);
    if (ticket.state === 'merged')
      brand.record(
        'checkouts',
        [
          {
            type: 'checkout.removed',
            data: { folder, reason: `${id} is merged`, saved: kept.saved ?? kept.aside },
          },
        ],
        core,
        `tidy:${id}`,
      );
  };

  return {
    wake,
    open() {
      opened = true;
      for (const entry of [...held.values(), ...atGate.values()]) entry.look = true;
      wake();
    },
    lookAgain() {
      for (const entry of [...held.values(), ...atGate.values()]) entry.look = true;
      wake();
    },
    busy: () => [...inHand.keys()],
    drained() {
      return new Promise((done) => {
        drains.add(done);
        wake();
        settle();
      });
    },
    async close() {
      closed = true;
      for (const { stop } of atGate.values()) stop();
      for (const { stop } of held.values()) stop();
      await looking;
      await Promise.all(inHand.values());
      for (const done of drains) done();
    },
    waitingReason: (id) => reasons.get(id),
  };
}

/** Whether a person has to say something before anything of it can run. */
function waitsForPerson(ticket: Ticket): boolean {
  return planState(ticket.plan) === 'waiting' || waitsForAnswer(ticket);
}

/** Whether its candidate waits for the operator's word on what it touches. */
function stopsAtCheckpoint({ candidate, checkpoint }: Ticket): boolean {
  return checkpoint?.state === 'waiting' && checkpoint.commit === candidate?.commit;
}
