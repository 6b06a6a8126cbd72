import { useState } from 'react';

/**
 * Keeps a list's order while one reads it: known rows stay where they are, rows that went are dropped, and new ones are
 * counted until they are wanted.
 *
 * @param ids the list as it would be now
 * @param reset begins anew when it changes: another filter, another list
 */
export function useStableOrder(
  ids: readonly string[],
  reset: string,
): { order: readonly string[]; fresh: number; show(): void } {
  const [held, setHeld] = useState({ reset, ids });
  // A list that was empty, or another list, has nothing under the hand that could move.
  const anew = held.reset !== reset || held.ids.length === 0;
  if (anew && (held.reset !== reset || ids.length > 0)) setHeld({ reset, ids });
  const base = anew ? ids : held.ids;
  const now = new Set(ids);
  const known = new Set(base);
  return {
    order: base.filter((id) => now.has(id)),
    fresh: ids.filter((id) => !known.has(id)).length,
    show: () => setHeld({ reset, ids }),
  };
}
