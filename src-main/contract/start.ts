import { z } from 'zod';
import { BrandId, TicketId } from './ids.ts';
import { WaitingCounts } from './waiting.ts';

/** One phase of a start, and why it did or did not run. */
export const PhaseView = z.object({
  number: z.number().int().min(0).max(8),
  name: z.string(),
  outcome: z.enum(['ran', 'skipped', 'waiting', 'failed', 'would-run', 'would-skip', 'running']),
  reason: z.string(),
  ms: z.number(),
  /** Agent processes that the phase started. */
  runs: z.number().int(),
});
export type PhaseView = z.infer<typeof PhaseView>;

/** A start: its phases, and what came of it. */
export const StartReport = z.object({
  run: z.string(),
  phases: z.array(PhaseView),
  waiting: WaitingCounts.extend({
    /** Absent in reports from before there was one list. */
    total: z.number().int().optional(),
  }),
  merged: z.array(TicketId),
  blocked: z.array(z.object({ id: TicketId, reason: z.string() })),
});
export type StartReport = z.infer<typeof StartReport>;

/** Answers that are given to a start beforehand. */
export const StartAnswers = z.strictObject({
  brands: z.union([z.array(BrandId), z.literal('all')]).default('all'),
  answers: z.record(z.string(), z.union([z.number().int(), z.object({ text: z.string() })])).default({}),
  default: z.enum(['first', 'skip']).default('skip'),
});
export type StartAnswers = z.infer<typeof StartAnswers>;
