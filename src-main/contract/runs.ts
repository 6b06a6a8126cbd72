import { z } from 'zod';
import { AttemptId, BrandId, RunId, TicketId } from './ids.ts';
import { RuntimeName } from './tickets.ts';

/** One agent process. */
export const RunView = z.object({
  id: RunId,
  brand: BrandId,
  role: z.string(),
  ticket: TicketId.nullable(),
  attempt: AttemptId.nullable(),
  runtime: RuntimeName,
  state: z.enum(['running', 'done', 'failed', 'stopped', 'interrupted']),
  /** Why it ended, or what it does now, in words. */
  reason: z.string(),
  startedAt: z.string(),
  endedAt: z.string().nullable(),
  /** Share of the model's context in use, 0 to 1; null where the runtime does not say. */
  contextUsed: z.number().nullable(),
  tokens: z.object({ input: z.number().int(), output: z.number().int() }),
  costUsd: z.number(),
  /** Canaries that were denied before the launch; null while they run. */
  canaries: z.number().int().nullable(),
  limits: z.string(),
});
export type RunView = z.infer<typeof RunView>;

/** A session as its agent program calls it. It is given back on the program's command line, where it must be no option. */
export const SessionId = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,199}$/);

/** A line of a run's transcript: normalised over all runtimes. */
export const RunOutput = z.object({
  /** Place in the transcript, from 0. */
  index: z.number().int(),
  at: z.string(),
  kind: z.enum([
    'text',
    'thought',
    'tool',
    'permission',
    'stdout',
    'stderr',
    'usage',
    'error',
    'note',
    'end',
  ]),
  text: z.string(),
});
export type RunOutput = z.infer<typeof RunOutput>;
