import { z } from 'zod';
import { TicketId } from './ids.ts';

const lines = z.array(z.string().trim().min(1).max(4_000)).max(200).default([]);

/** What one attempt leaves for the next. */
export const HandoffContext = z.strictObject({
  completed: lines,
  next_steps: lines,
  blockers: lines,
  notes: z.string().max(20_000).default(''),
});
export type HandoffContext = z.infer<typeof HandoffContext>;

/** `brands/<id>/handoffs/*.json`: one role tells another where the work stands. */
export const Handoff = z.strictObject({
  from: z.string().trim().min(1).max(200),
  to: z.string().trim().min(1).max(200),
  timestamp: z.iso.datetime(),
  /** The ticket that it is about; its next attempt finds it in its brief. */
  ticket: TicketId.optional(),
  context: HandoffContext,
});
export type Handoff = z.infer<typeof Handoff>;

/** A handoff as it is written: when it was is the core's to say. */
export const HandoffInput = Handoff.omit({ timestamp: true });
export type HandoffInput = z.infer<typeof HandoffInput>;

/**
 * `brands/<id>/handoffs/status.json`: who has left what for whom, and since when it lies there unread, for whoever looks at the
 * folder. Atrium writes it anew with each handoff and each reading, and reads it never.
 */
export const HandoffStatus = z.array(
  z.object({
    handoff: z.string(),
    from: z.string(),
    to: z.string(),
    ticket: TicketId.nullable(),
    /** ISO 8601; null once somebody has read it. */
    unreadSince: z.iso.datetime().nullable(),
  }),
);
export type HandoffStatus = z.infer<typeof HandoffStatus>;

/** A handoff with whether anybody has read it. */
export const HandoffView = Handoff.extend({
  /** Its file's name without the ending. */
  id: z.string(),
  read: z.boolean(),
  /** Milliseconds since it was written, while nobody has read it; 0 afterwards. */
  unreadMs: z.number(),
});
export type HandoffView = z.infer<typeof HandoffView>;
