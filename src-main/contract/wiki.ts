import { z } from 'zod';

/** A page that was found. */
export const SearchHit = z.object({
  page: z.string(),
  title: z.string(),
  brand: z.string(),
  confidence: z.string(),
  /** Plain text; matches stand between U+0002 and U+0003. */
  snippet: z.string(),
  sources: z.array(z.object({ kind: z.string(), ref: z.string() })),
});
export type SearchHit = z.infer<typeof SearchHit>;

/** A page with its evidence. */
export const PageView = z.object({
  page: z.string(),
  title: z.string(),
  brand: z.string(),
  authority: z.string(),
  confidence: z.string(),
  updated: z.string(),
  sources: z.array(z.object({ kind: z.string(), ref: z.string() })),
  body: z.string(),
  hash: z.string(),
  backlinks: z.array(z.string()),
  claims: z.array(
    z.object({
      id: z.string(),
      text: z.string(),
      confidence: z.string(),
      sources: z.array(z.string()),
      updated: z.string(),
    }),
  ),
});
export type PageView = z.infer<typeof PageView>;
