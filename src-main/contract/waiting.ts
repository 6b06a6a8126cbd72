import { z } from 'zod';
import { BrandId, RunId, TicketId } from './ids.ts';

/** One thing that waits for the operator: every door shows the same list. */
export const WaitingItem = z.object({
  /** Names it for good: an answer to it is an answer to exactly this. */
  key: z.string(),
  kind: z.enum([
    'ask',
    'question',
    'checkpoint',
    'conflict',
    'plan',
    'housekeeping',
    'approval',
    'dead-letter',
  ]),
  brand: BrandId,
  ticket: TicketId.nullable(),
  run: RunId.nullable(),
  title: z.string(),
  /** What is to be decided, and why, in words. */
  detail: z.string(),
  priority: z.number().int(),
  since: z.string(),
});
export type WaitingItem = z.infer<typeof WaitingItem>;

/** How much waits: `total` is the one count that every door shows. */
export const WaitingCounts = z.object({
  questions: z.number().int(),
  approvals: z.number().int(),
  total: z.number().int(),
});
export type WaitingCounts = z.infer<typeof WaitingCounts>;
