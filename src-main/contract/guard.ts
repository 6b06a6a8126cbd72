import { z } from 'zod';
import { AskId, BrandId, RunId, TicketId } from './ids.ts';
import { PolicyLevel, ToolKind } from './policy.ts';

/** A call that waits for the operator, or did. */
export const AskView = z.object({
  id: AskId,
  brand: BrandId,
  run: RunId,
  ticket: TicketId.nullable(),
  role: z.string(),
  tool: z.string(),
  kind: ToolKind,
  /** What the call would do, in the agent's words: a command, an address, a title. */
  text: z.string(),
  paths: z.array(z.string()),
  /** The rule that asks, whose it is, and why. */
  rule: z.string(),
  level: PolicyLevel,
  reason: z.string(),
  askedAt: z.string(),
  /** When it becomes a denial by itself. */
  expiresAt: z.string(),
  state: z.enum(['open', 'allowed', 'denied', 'expired']),
  /** What the operator said beside the answer, or why it ended without one. */
  note: z.string(),
});
export type AskView = z.infer<typeof AskView>;

/** One line of a brand's decision log: what was decided about a call, before it or after it, and how long that took. */
export const DecisionEntry = z.object({
  at: z.string(),
  brand: BrandId,
  run: RunId.nullable(),
  ticket: TicketId.nullable(),
  role: z.string(),
  /** `after`: a guard that looked at what a call did; `outcome` then says how the call ended. */
  moment: z.enum(['before', 'after']),
  outcome: z.enum(['done', 'failed']).nullable(),
  tool: z.string(),
  kind: ToolKind,
  text: z.string(),
  paths: z.array(z.string()),
  decision: z.enum(['allow', 'deny', 'ask']),
  rule: z.string(),
  level: PolicyLevel,
  reason: z.string(),
  layer: z.string(),
  /** Milliseconds from the question to the decision; for an operator's answer, how long it was waited for. */
  ms: z.number(),
});
export type DecisionEntry = z.infer<typeof DecisionEntry>;

/** What was decided about one call. */
export const GuardDecision = z.object({
  decision: z.enum(['allow', 'deny', 'ask']),
  rule: z.string(),
  reason: z.string(),
  layer: z.string(),
  /** Whose rule it is. */
  level: PolicyLevel.optional(),
});
export type GuardDecision = z.infer<typeof GuardDecision>;

/** A call that is asked about. */
export const GuardQuestion = z.object({
  brand: z.string(),
  role: z.string(),
  run: z.string().optional(),
  tool: z.string(),
  input: z.record(z.string(), z.unknown()),
  cwd: z.string(),
});
export type GuardQuestion = z.infer<typeof GuardQuestion>;
