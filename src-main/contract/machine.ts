import { z } from 'zod';
import { RuntimeName } from './tickets.ts';

/** What this machine lacks: each in one sentence, with what to do. */
export const Lack = z.object({
  what: z.enum(['sandbox', 'git', 'runtime', 'limits']),
  message: z.string(),
  hint: z.string(),
});
export type Lack = z.infer<typeof Lack>;

/** An agent program, as it was found on this machine. */
export const RuntimeView = z.object({
  name: RuntimeName,
  title: z.string(),
  /** Absent is said, not failed. */
  present: z.boolean(),
  version: z.string(),
  detail: z.string(),
  /** What the program can do behind the port; none where it is absent. */
  capabilities: z.array(z.string()),
  /** When it was looked at. */
  probedAt: z.string(),
});
export type RuntimeView = z.infer<typeof RuntimeView>;
