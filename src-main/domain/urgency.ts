import type { WaitingItem } from '../contract/waiting.ts';

/** Most urgent first: what a run waits for, then what stops at the gate, then what has not begun. */
const URGENCY: readonly WaitingItem['kind'][] = [
  'ask',
  'question',
  'checkpoint',
  'conflict',
  'plan',
  'housekeeping',
  'approval',
  'dead-letter',
];

const { compare: byNumber } = new Intl.Collator('en', { numeric: true });

/** Sorts what waits: most urgent first, and always in the same order. */
export function urgentFirst(items: readonly WaitingItem[]): WaitingItem[] {
  return [...items].sort(
    (a, b) =>
      URGENCY.indexOf(a.kind) - URGENCY.indexOf(b.kind) ||
      a.priority - b.priority ||
      (a.since < b.since ? -1 : a.since > b.since ? 1 : byNumber(a.key, b.key)),
  );
}
