import { z } from 'zod';
import { BrandId } from './ids.ts';

/** One of the nineteen checks, as it last went. */
export const CheckView = z.object({
  number: z.number().int().min(1).max(19),
  title: z.string(),
  ok: z.boolean(),
  /** What it proved, or the first trouble. */
  detail: z.string(),
  ms: z.number(),
  /** False for a check that is not built yet: it counts as not passed. */
  built: z.boolean(),
  /** When it was proved, ISO 8601. */
  at: z.string(),
});
export type CheckView = z.infer<typeof CheckView>;

/** A whole examination. */
export const DoctorReport = z.object({
  grade: z.string(),
  passed: z.number().int(),
  total: z.literal(19),
  checks: z.array(CheckView),
  /** What does not hold, one by one; the brand is null where it is the workspace's own. */
  deviations: z.array(z.object({ number: z.number().int(), brand: BrandId.nullable(), detail: z.string() })),
  /** When it ended, ISO 8601. */
  at: z.string(),
  /** What Atrium put right by itself before it graded. */
  mended: z.array(z.string()),
  /** What the operator did, which is no fault: commits by hand, edited pages, newer agent programs. */
  noted: z.array(z.string()),
});
export type DoctorReport = z.infer<typeof DoctorReport>;
