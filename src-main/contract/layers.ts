import { z } from 'zod';
import { BrandId } from './ids.ts';

/** The four layers round a brand, from the outside of a call to what leaves and enters. */
export const LayerName = z.enum(['call', 'room', 'kernel', 'exit']);
export type LayerName = z.infer<typeof LayerName>;

/** A layer of one brand, and what its canaries showed. */
export const LayerProof = z.object({
  layer: LayerName,
  /** Whether every canary went as it had to; what did not run is not live. */
  live: z.boolean(),
  /** What it proved, or the first trouble, in one sentence. */
  detail: z.string(),
  /** What was tried that must be denied. */
  canaries: z.array(z.object({ name: z.string(), denied: z.boolean() })),
});
export type LayerProof = z.infer<typeof LayerProof>;

export const BrandLayers = z.object({
  id: BrandId,
  sealed: z.boolean(),
  /** When it was proved; null where it has not been since the log began. */
  at: z.string().nullable(),
  /** Of the four, in their order; empty where nothing was proved. */
  layers: z.array(LayerProof),
});
export type BrandLayers = z.infer<typeof BrandLayers>;

/** What `guard prove` gives: `breaches` counts the canaries that were not denied. */
export const GuardProof = z.object({ brands: z.array(BrandLayers), breaches: z.number().int() });
export type GuardProof = z.infer<typeof GuardProof>;
