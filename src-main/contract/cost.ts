import { z } from 'zod';

/** What models cost, in rows by what was asked for. */
export const CostReport = z.object({
  currency: z.literal('USD'),
  total: z.number(),
  rows: z.array(
    z.object({
      key: z.string(),
      inputTokens: z.number().int(),
      outputTokens: z.number().int(),
      costUsd: z.number(),
    }),
  ),
});
export type CostReport = z.infer<typeof CostReport>;
