import type { WaitingItem } from '../contract/operator-api.ts';
import { urgentFirst } from '../domain/waiting.ts';
import type { Brand } from './brand.ts';

/** What of a brand waits for the operator, most urgent first. */
export function waitingIn(brand: Brand): WaitingItem[] {
  const rows = brand.store.query<{ record: string }>('SELECT record FROM projection_tickets_waiting');
  return urgentFirst(rows.map((row) => JSON.parse(row.record) as WaitingItem));
}
