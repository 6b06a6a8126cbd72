import type { Result } from '../../contract/errors.ts';
import type { Source } from '../../domain/claims.ts';
import type { DistilPayload, Finding } from '../../domain/distillation.ts';

/** The pages that may be written: paths like `wiki/label/catalogue.md`. The store decides who may write where. */
export type Pages = {
  read(path: string): Promise<Result<{ text: string; hash: string }>>;
  write(
    path: string,
    text: string,
    change: { author: { role: string; brand: string }; expectedHash: string | null },
  ): Promise<Result<{ hash: string; changed: boolean }>>;
};

/** What the core itself knows. A question that throws counts as evidence that does not hold. */
export type Evidence = {
  /** The ticket as the log has it; null where there is none in this brand. */
  ticket(id: string): Promise<{ state: string; verdict: string | null; mergedCommit: string | null } | null>;
  /** Whether a commit, log line, page or answer exists in this brand. */
  resolves(source: Source): Promise<boolean>;
};

/** The day's ledger. `write` replaces it whole or not at all. */
export type LedgerFile = {
  /** The ledger's path as reports name it: `brands/<brand>/ledger/<day>.md`. */
  path(brand: string, day: string): string;
  read(brand: string, day: string): Promise<string | null>;
  write(brand: string, day: string, text: string): Promise<void>;
};

/** Whoever proposes findings: the rules, or a model's read-only run. */
export type Distiller = (payload: DistilPayload) => Promise<readonly Finding[]>;
