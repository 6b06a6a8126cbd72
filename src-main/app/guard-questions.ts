import type { Actor } from '../contract/events.ts';
import { fail, type Result } from '../contract/errors.ts';
import type { AskView, DecisionEntry } from '../contract/guard.ts';
import type { AskId } from '../contract/ids.ts';
import type { Brand } from './brand.ts';
import type { DecisionFilter } from './decision-log.ts';

type Open = readonly { brand: Brand }[];

/** Questions over several brands: the open ones oldest first, all of them newest first. */
export function asksOf(open: Open, all: boolean): AskView[] {
  const asks = open.flatMap(({ brand }) => brand.guard.asks.list(all));
  return asks.sort((a, b) => (all ? b.askedAt.localeCompare(a.askedAt) : a.askedAt.localeCompare(b.askedAt)));
}

/** Answers one question of whichever brand has it. */
export function answerAsk(
  open: Open,
  given: { id: AskId; decision: 'allow' | 'deny'; note: string },
  actor: Actor,
): Result<AskView> {
  for (const { brand } of open) {
    const answered = brand.guard.asks.answer(given.id, given.decision, given.note, actor);
    if (answered.ok || answered.failure.code !== 'not-found') return answered;
  }
  return fail('not-found', `there is no question ${given.id}`, 'see "atrium guard asks"');
}

/** Decisions over several brands, newest first. */
export function decisionsOf(open: Open, filter: DecisionFilter): DecisionEntry[] {
  return open
    .flatMap(({ brand }) => brand.guard.log.read(filter))
    .sort((a, b) => b.at.localeCompare(a.at))
    .slice(0, filter.limit);
}
