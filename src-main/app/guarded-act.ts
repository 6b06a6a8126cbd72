import type { BrandId, TicketId } from '../contract/ids.ts';
import type { DecisionLog } from './decision-log.ts';
import type { Timer } from './timer.ts';

/** Guards of Atrium's own acts, by name; those of calls are rules of policy. */
export type ActGuard = 'pre-merge-gate' | 'worktree-cleanup';

/** An act of Atrium's own under a guard. A text is why not; null is that nothing stands against it. */
export interface GuardedAct<T> {
  guard: ActGuard;
  /** What is done, in a word. */
  act: string;
  ticket: TicketId | null;
  /** What it is about: a folder, a commit. */
  text: string;
  before(): string | null;
  execute(): Promise<T>;
  /** Looks at what the act did, also when it threw: then there is no value. */
  after(value: T | undefined): Promise<string | null> | string | null;
}

/** How an act under a guard went: `refused` and `found` are why not, and what was found after it. */
export type ActEnd<T> = { done: true; value: T; found: string | null } | { done: false; refused: string };

/**
 * Carries an act out under its guard: asked before, told afterwards, also where the act threw. Both are kept in the decision log
 * with how long they took.
 */
export async function carryOutGuarded<T>(
  act: GuardedAct<T>,
  parts: { brand: BrandId; log: DecisionLog; timer: Pick<Timer, 'now'>; now(): string },
): Promise<ActEnd<T>> {
  const keep = (
    moment: 'before' | 'after',
    outcome: 'done' | 'failed' | null,
    against: string | null,
    began: number,
  ) =>
    parts.log.write({
      at: parts.now(),
      brand: parts.brand,
      run: null,
      ticket: act.ticket,
      role: 'atrium',
      moment,
      outcome,
      tool: act.act,
      kind: 'other',
      text: act.text,
      paths: [],
      decision: against === null ? 'allow' : 'deny',
      rule: act.guard,
      level: 'atrium',
      reason: against ?? (moment === 'before' ? 'every condition holds' : 'nothing was found'),
      layer: 'core',
      ms: parts.timer.now() - began,
    });
  const look = async (outcome: 'done' | 'failed', value?: T): Promise<string | null> => {
    const began = parts.timer.now();
    const found = await act.after(value);
    keep('after', outcome, found, began);
    return found;
  };

  const began = parts.timer.now();
  const refused = act.before();
  keep('before', null, refused, began);
  if (refused !== null) return { done: false, refused };
  let value: T;
  try {
    value = await act.execute();
  } catch (error) {
    await look('failed');
    throw error;
  }
  return { done: true, value, found: await look('done', value) };
}
