import { z } from 'zod';
import { CountBy } from './config.ts';
import { BrandId, CommitId } from './ids.ts';

/** A repository of a brand, and how work on it is checked. */
export const RepositoryView = z.object({
  name: z.string(),
  path: z.string(),
  branch: z.string(),
  checks: z.object({ setup: z.string(), test: z.string(), lint: z.string(), count: CountBy }),
  /** What the checks said about the branch as it is: `red` means "fails on main too". */
  baseline: z.enum(['green', 'red', 'none', 'not-run']),
  detail: z.string(),
});
export type RepositoryView = z.infer<typeof RepositoryView>;

/** A brand as every door shows it; a closed one says why. */
export const BrandView = z.object({
  id: BrandId,
  name: z.string(),
  colour: z.number().int(),
  sealed: z.boolean(),
  state: z.enum(['open', 'closed']),
  error: z.string().optional(),
  repositories: z.array(RepositoryView),
});
export type BrandView = z.infer<typeof BrandView>;

/** What was found in a folder, before anything is added. */
export const RepositoryGuess = z.object({
  path: z.string(),
  name: z.string(),
  branch: z.string(),
  commit: CommitId,
  checks: z.object({ setup: z.string(), test: z.string(), lint: z.string(), count: CountBy }),
  lockfiles: z.array(z.string()),
  setupHosts: z.array(z.string()),
  notes: z.array(z.string()),
});
export type RepositoryGuess = z.infer<typeof RepositoryGuess>;
