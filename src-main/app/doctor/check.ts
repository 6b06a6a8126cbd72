import type { LayerName, LayerProof } from '../../contract/layers.ts';
import type { Brand } from '../brand.ts';
import type { BranchKeeper } from '../branches.ts';
import type { Exporter } from '../exports.ts';
import type { Knowledge } from '../knowledge.ts';
import type { BrandLogProof, StoreProof } from './log-proof.ts';

/** A brand with what the doctor looks at. */
export interface Patient {
  brand: Brand;
  knowledge: Knowledge;
  exporter: Exporter;
  branches: BranchKeeper;
}

/** What a check found: what it proved, or the first trouble, in one sentence. */
export interface Finding {
  ok: boolean;
  detail: string;
}

export const holds = (detail: string): Finding => ({ ok: true, detail });
export const fails = (detail: string): Finding => ({ ok: false, detail });

/** What several checks of one examination share, each made once: proofs that take a worker thread or a sandbox. */
export interface Examination {
  log(patient: Patient): Promise<BrandLogProof>;
  workspaceLog(): Promise<StoreProof>;
  /** The layer of a brand, tried by canaries of its own. */
  layer(patient: Patient, name: LayerName): Promise<LayerProof>;
}

/**
 * One of the nineteen, or its part for the workspace or for a brand. It proves a behaviour where it can, rather than look at
 * a file. A check that throws did not run, and has not passed.
 */
export interface Check<Of> {
  number: number;
  /**
   * What it looks at, as a text that changes when that does, where that is cheap to tell: a proof stands while its mark is the
   * same. Null where it is cheaper to prove it again.
   */
  mark(of: Of): string | null | Promise<string | null>;
  prove(of: Of, examination: Examination): Finding | Promise<Finding>;
  /** Proves what changed after the mark of a proof that holds; where it is missing, what changed is proved whole. */
  proveSince?(of: Of, mark: string): Finding | Promise<Finding>;
}

/** Checks of the workspace (there is one) and of each brand; both may have a part of the same number. */
export interface Checks {
  workspace: readonly Check<null>[];
  brand: readonly Check<Patient>[];
}
