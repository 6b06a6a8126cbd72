/** Where a finding goes: decided from what it rests on, never from who proposed it. Pure. */
import type { Confidence, Source } from './claims.ts';
import type { Finding } from './distillation.ts';

/** What the check of a finding's evidence gave: each source with whether it holds, and why. */
export type EvidenceCheck = { readonly source: Source; readonly holds: boolean; readonly reason: string };

export type Authority = 'librarian' | 'operator-global';

/** Where a finding goes. `confidence` is what is left of it after the check. */
export type Route = {
  readonly authority: Authority;
  readonly page: string;
  readonly action: 'write' | 'ask' | 'ledger';
  readonly confidence: Confidence;
  readonly reason: string;
  /** Ids of findings or claims that say otherwise. */
  readonly contradicts: readonly string[];
};

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * Decides where a finding goes. Brand → librarian, across brands → operator-global; high is written, medium is asked,
 * low stays in the ledger. High that is not proven, or that something else contradicts, becomes medium.
 *
 * @param checks the outcome for each source of the finding; a source without one does not hold
 * @param standing ids of the other high findings of the day and of the claims already on the page
 */
export function route(
  finding: Finding,
  checks: readonly EvidenceCheck[],
  standing: readonly string[],
): Route {
  const authority: Authority = finding.crossBrand ? 'operator-global' : 'librarian';
  const base = { authority, page: finding.targetPage };
  if (finding.confidence === 'low') {
    return { ...base, action: 'ledger', confidence: 'low', reason: finding.because, contradicts: [] };
  }
  if (finding.evidence.length === 0) {
    return { ...base, action: 'ledger', confidence: 'low', reason: 'it names no evidence', contradicts: [] };
  }
  if (finding.confidence === 'medium') {
    return { ...base, action: 'ask', confidence: 'medium', reason: finding.because, contradicts: [] };
  }
  if (finding.kind !== 'research' && !finding.evidence.some((source) => source.kind === 'ticket')) {
    return {
      ...base,
      action: 'ask',
      confidence: 'medium',
      reason: 'it names no merged ticket',
      contradicts: [],
    };
  }
  const failing = finding.evidence.flatMap((source) => {
    const check = checks.find((one) => one.source.kind === source.kind && one.source.ref === source.ref);
    if (check?.holds) return [];
    return `${source.kind} ${source.ref}: ${check?.reason ?? 'not checked'}`;
  });
  if (failing.length > 0) {
    const reason = `its evidence does not hold (${failing.join('; ')})`;
    return { ...base, action: 'ask', confidence: 'medium', reason, contradicts: [] };
  }
  const contradicts = contradicting(finding.id, standing);
  if (contradicts.length > 0) {
    const reason = `it contradicts ${contradicts.join(', ')}`;
    return { ...base, action: 'ask', confidence: 'medium', reason, contradicts };
  }
  return { ...base, action: 'write', confidence: 'high', reason: finding.because, contradicts: [] };
}

/** Which of `ids` speak of the same subject as the fact `id` and give it another value. */
export function contradicting(id: string, ids: readonly string[]): string[] {
  const about = /^(fact-[0-9a-f]{16}-)[0-9a-f]{12}$/.exec(id)?.[1];
  if (about === undefined) return [];
  return [...new Set(ids.filter((other) => other !== id && other.startsWith(about)))].sort(compare);
}
