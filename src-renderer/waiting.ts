import { useMemo } from 'react';
import type { WaitingItem } from '../src-main/contract/waiting.ts';
import { useDecisions } from './decisions.ts';
import { useLive } from './store.ts';

/** What needs the operator, most urgent first: what was decided in this window is not in it, what was put off comes last. */
export function waitingOf(
  items: readonly WaitingItem[],
  sent: ReadonlySet<string>,
  later: readonly string[],
): WaitingItem[] {
  const open = items.filter((item) => !sent.has(item.key));
  const putOff = (item: WaitingItem) => later.indexOf(item.key);
  return [
    ...open.filter((item) => putOff(item) === -1),
    ...open.filter((item) => putOff(item) !== -1).sort((a, b) => putOff(a) - putOff(b)),
  ];
}

/** The mark that stands beside each kind. */
export const markOf: Record<WaitingItem['kind'], 'draft' | 'waiting' | 'blocked'> = {
  ask: 'waiting',
  question: 'waiting',
  checkpoint: 'waiting',
  conflict: 'waiting',
  plan: 'draft',
  housekeeping: 'waiting',
  approval: 'draft',
  'dead-letter': 'blocked',
};

/** Where a decision is taken. */
export function placeOf(item: Pick<WaitingItem, 'key' | 'kind' | 'ticket'>): string {
  if (item.kind === 'ask' || item.ticket === null) return `/approvals/${item.key}`;
  return item.kind === 'approval' ? `/approvals/${item.ticket}` : `/approvals/${item.ticket}/${item.kind}`;
}

/** The decisions that wait now: the one count that is the same everywhere. */
export function useWaiting(): WaitingItem[] {
  const items = useLive((live) => live.waiting);
  const pending = useDecisions((state) => state.pending);
  const later = useDecisions((state) => state.later);
  return useMemo(() => {
    const sent = new Set(pending.filter((each) => each.failure === null).map((each) => each.key));
    return waitingOf(items, sent, later);
  }, [items, pending, later]);
}
