/** One measured thing of a bench. Percentiles are in milliseconds of a single operation, null where there is no single one. */
export interface BenchResult {
  name: string;
  value: number;
  unit: string;
  /** The same unit, measured on what it is compared with in the same call; null where there is nothing to compare with. */
  baseline: number | null;
  /** `value / baseline`; null without a baseline. */
  ratio: number | null;
  /** How many operations were measured. */
  n: number;
  p50: number | null;
  p95: number | null;
  p99: number | null;
}

/** The value below which the share `p` (0 to 1) of the samples lies; null without samples. */
export function percentile(samples: readonly number[], p: number): number | null {
  const sorted = samples.toSorted((left, right) => left - right);
  return sorted[Math.max(0, Math.ceil(sorted.length * p) - 1)] ?? null;
}
