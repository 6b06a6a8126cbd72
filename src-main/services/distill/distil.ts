import { createHash } from 'node:crypto';
import type { Failure } from '../../contract/errors.ts';
import { claimLine, putClaim, readClaims } from '../../domain/claims.ts';
import type { ClaimDraft, Source } from '../../domain/claims.ts';
import { acceptFinding, classify, gather } from '../../domain/distillation.ts';
import { route } from '../../domain/finding-route.ts';
import type { EvidenceCheck, Route } from '../../domain/finding-route.ts';
import type { DistilPayload, Finding } from '../../domain/distillation.ts';
import { claimOf, newPage, noteSources } from '../../domain/finding-text.ts';
import { entryOf, putEntries, readLedger } from './ledger.ts';
import type { Entry, Outcome } from './ledger.ts';
import type { Distiller, Evidence, LedgerFile, Pages } from './ports.ts';

/** A finding that waits for the operator: it goes into the next interview. */
export type Asked = {
  readonly finding: Finding;
  readonly page: string;
  readonly authority: string;
  readonly reason: string;
};

/** What a distillation did. Paths are relative to the workspace. */
export type DistilReport = {
  /** Each finding with what routing decided and what stands in the ledger now. */
  readonly findings: readonly (Finding & { readonly action: Route['action']; readonly outcome: Outcome })[];
  /** Claims whose writing this call did or completed; empty when the same day is distilled again. */
  readonly written: readonly {
    readonly page: string;
    readonly finding: string;
    readonly authority: string;
    readonly hash: string;
  }[];
  readonly asked: readonly Asked[];
  /** Findings whose page did not take them, with why. */
  readonly refused: readonly { readonly finding: string; readonly page: string; readonly failure: Failure }[];
  /** How many things named another brand and were left out. */
  readonly foreign: number;
  readonly ledgerPath: string;
};

type Places = { readonly pages: Pages; readonly ledger: LedgerFile };

const MOST_CONFLICTS = 8;

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The distiller by rules. */
export const rulesDistiller: Distiller = (payload) => Promise.resolve(classify(payload, digest));

/**
 * Turns a brand's day into pages, questions and a ledger. The same input twice changes no file, and after a kill at any
 * point the same call brings the same end: the ledger names what is planned before a page is touched.
 *
 * @param evidence what the core knows; it, not whoever proposed, decides what is high
 * @param distiller who proposes; the rules where none is given
 */
export async function distil(
  input: Places & {
    brand: string;
    day: string;
    payload: DistilPayload;
    evidence: Evidence;
    distiller?: Distiller;
  },
): Promise<DistilReport> {
  const { brand, day, pages, ledger } = input;
  const ledgerPath = ledger.path(brand, day);
  if (input.payload.brand !== brand || input.payload.day !== day) {
    throw new RangeError(
      `The payload is of ${input.payload.brand}, ${input.payload.day}; asked was ${brand}, ${day}.`,
    );
  }
  const gathered = gather(input.payload);
  const proposed = await (input.distiller ?? rulesDistiller)(gathered.payload);
  const findings = onceEach(proposed.flatMap((finding) => acceptFinding(finding, brand) ?? []));
  const routed = await routeAll(findings, input.evidence, pages);

  const remembered = readLedger(await ledger.read(brand, day));
  const planned = routed.map(({ finding, to }) => {
    const before = remembered.get(finding.id);
    const draft = to.action === 'write' ? claimOf(finding, to.confidence) : null;
    const mark = draft ? [markOf(draft)] : [];
    const settled = before?.outcome === 'written' && (draft === null || before.digests.at(-1) === mark[0]);
    const known = before?.digests ?? [];
    return { finding, to, draft, mark, settled, known, resumed: before?.outcome === 'planned' };
  });
  const outcomes = new Map<string, Outcome>();
  await writeLedger(
    input,
    planned.flatMap(({ finding, to, mark, settled, known }) => {
      const first: Outcome = to.action === 'write' ? 'planned' : to.action === 'ask' ? 'asked' : 'kept';
      outcomes.set(finding.id, settled ? 'written' : first);
      const digests = [...known.filter((one) => one !== mark[0]), ...mark];
      return settled ? [] : entryOf(finding, to, first, digests, to.reason);
    }),
  );

  const written: DistilReport['written'][number][] = [];
  const refused: DistilReport['refused'][number][] = [];
  const entries: Entry[] = [];
  for (const { finding, to, draft, mark, settled, known, resumed } of planned) {
    if (draft === null || settled) continue;
    const author = { role: to.authority, brand };
    const outcome = await writeClaim(pages, to, { finding, draft, author, day, known });
    outcomes.set(finding.id, outcome.kind === 'failed' ? 'refused' : 'written');
    if (outcome.kind === 'failed') {
      refused.push({ finding: finding.id, page: to.page, failure: outcome.failure });
      entries.push(entryOf(finding, to, 'refused', mark, outcome.failure.message));
      continue;
    }
    if (outcome.kind === 'changed' || (resumed && outcome.kind === 'same')) {
      written.push({ page: to.page, finding: finding.id, authority: to.authority, hash: outcome.hash });
    }
    const why = outcome.kind === 'theirs' ? `${to.reason}; the operator's wording was left` : to.reason;
    entries.push(entryOf(finding, to, 'written', mark, why));
  }
  await writeLedger(input, entries);

  return {
    findings: routed.map(({ finding, to }) => ({
      ...finding,
      confidence: to.confidence,
      action: to.action,
      outcome: outcomes.get(finding.id) ?? 'kept',
    })),
    written,
    asked: planned
      .filter(({ to, settled }) => to.action === 'ask' && !settled)
      .map(({ finding, to }) => ({
        finding: { ...finding, confidence: to.confidence, because: to.reason },
        page: to.page,
        authority: to.authority,
        reason: to.reason,
      })),
    refused,
    foreign: gathered.refused + proposed.length - findings.length,
    ledgerPath,
  };
}

/**
 * Writes a finding that the operator said yes to. It stays of medium confidence and cites the answer.
 *
 * @param day the ledger it stands in (the day it was distilled)
 * @param answer where the operator's yes is recorded, and on which day it was given (YYYY-MM-DD)
 */
export async function keepAsked(
  input: Places & { brand: string; day: string; asked: Asked; answer: { ref: string; day: string } },
): Promise<{ ok: true; page: string; hash: string; changed: boolean } | { ok: false; failure: Failure }> {
  const { brand, asked, answer } = input;
  const finding = acceptFinding(asked.finding, brand);
  if (!finding) throw new RangeError(`The finding ${asked.finding.id} is not one of ${brand}.`);
  const authority = finding.crossBrand ? 'operator-global' : 'librarian';
  const to: Route = {
    authority,
    page: finding.targetPage,
    action: 'write',
    confidence: 'medium',
    reason: `the operator confirmed it on ${answer.day}`,
    contradicts: [],
  };
  const draft = claimOf(finding, 'medium', answer);
  await writeLedger(input, [entryOf(finding, to, 'planned', [markOf(draft)], to.reason)]);
  const author = { role: authority, brand };
  const outcome = await writeClaim(input.pages, to, { finding, draft, author, day: answer.day, known: [] });
  if (outcome.kind === 'failed') {
    await writeLedger(input, [entryOf(finding, to, 'refused', [markOf(draft)], outcome.failure.message)]);
    return { ok: false, failure: outcome.failure };
  }
  await writeLedger(input, [entryOf(finding, to, 'written', [markOf(draft)], to.reason)]);
  return { ok: true, page: to.page, hash: outcome.hash, changed: outcome.kind === 'changed' };
}

/** Records where a brand starts: its first day is not distilled. Repeating it changes nothing. */
export async function openLedger(input: {
  brand: string;
  day: string;
  ledger: LedgerFile;
}): Promise<{ ledgerPath: string }> {
  const { brand, day, ledger } = input;
  if ((await ledger.read(brand, day)) === null) {
    const text = putEntries(null, { brand, day }, []);
    await ledger.write(brand, day, `${text}\nAtrium starts here: nothing before this day is distilled.\n`);
  }
  return { ledgerPath: ledger.path(brand, day) };
}

function onceEach(findings: readonly Finding[]): Finding[] {
  return [...new Map(findings.map((finding) => [finding.id, finding])).values()];
}

async function routeAll(findings: readonly Finding[], evidence: Evidence, pages: Pages) {
  const high = findings.filter((finding) => finding.confidence === 'high').map((finding) => finding.id);
  const routed: { finding: Finding; to: Route }[] = [];
  for (const finding of findings) {
    const checks = finding.confidence === 'high' ? await checkEvidence(finding, evidence) : [];
    const page = finding.kind === 'fact' ? await pages.read(finding.targetPage) : null;
    const standing = page?.ok ? readClaims(page.value.text).map((claim) => claim.id) : [];
    routed.push({ finding, to: route(finding, checks, [...high, ...standing]) });
  }
  return routed;
}

async function checkEvidence(finding: Finding, evidence: Evidence): Promise<EvidenceCheck[]> {
  const commits = finding.evidence.filter((source) => source.kind === 'commit').map((source) => source.ref);
  const checks: EvidenceCheck[] = [];
  for (const source of finding.evidence) {
    let reason: string;
    try {
      reason =
        source.kind === 'ticket'
          ? await ticketProblem(source, commits, evidence)
          : (await evidence.resolves(source))
            ? ''
            : 'it does not resolve';
    } catch (error) {
      reason = `it could not be checked (${error instanceof Error ? error.message : String(error)})`;
    }
    checks.push({ source, holds: reason === '', reason: reason === '' ? 'checked' : reason });
  }
  return checks;
}

async function ticketProblem(
  source: Source,
  commits: readonly string[],
  evidence: Evidence,
): Promise<string> {
  const ticket = await evidence.ticket(source.ref);
  if (ticket === null) return 'there is no such ticket';
  if (ticket.state !== 'merged') return `it is ${ticket.state}, not merged`;
  if (ticket.verdict !== 'pass') return 'its verdict is not a pass';
  if (ticket.mergedCommit === null || (commits.length > 0 && !commits.includes(ticket.mergedCommit))) {
    return 'it was merged as another commit';
  }
  return '';
}

/** What the ledger remembers of a claim as it was written: its text without footnotes, for their labels are the page's. */
function markOf(draft: ClaimDraft): string {
  return digest(draft.markdown).slice(0, 12);
}

type Written = { kind: 'changed' | 'same' | 'theirs'; hash: string } | { kind: 'failed'; failure: Failure };

/** Puts one claim on its page, reading the page again whenever somebody else was quicker. */
async function writeClaim(
  pages: Pages,
  to: Route,
  about: {
    finding: Finding;
    draft: ClaimDraft;
    author: { role: string; brand: string };
    day: string;
    known: readonly string[];
  },
): Promise<Written> {
  const { finding, draft, author, day, known } = about;
  const sources = draft.citations.map((citation) => citation.source);
  for (let attempt = 1; ; attempt += 1) {
    const read = await pages.read(to.page);
    if (!read.ok && read.failure.code !== 'not-found') return { kind: 'failed', failure: read.failure };
    const before = read.ok ? read.value : null;
    if (before && isReworded(before.text, draft, known)) return { kind: 'theirs', hash: before.hash };
    const base =
      before?.text ??
      newPage({
        title: titleOf(finding, to),
        authority: to.authority,
        confidence: to.confidence,
        sources,
        updated: day,
      });
    const claimed = putClaim(base, draft);
    if (before && claimed === before.text) return { kind: 'same', hash: before.hash };
    const text = noteSources(claimed, sources, day);
    const write = await pages.write(to.page, text, { author, expectedHash: before?.hash ?? null });
    if (write.ok) return { kind: write.value.changed ? 'changed' : 'same', hash: write.value.hash };
    if (write.failure.code !== 'version-conflict' || attempt >= MOST_CONFLICTS)
      return { kind: 'failed', failure: write.failure };
  }
}

/** True when the claim on the page is neither what is to be written nor what Atrium is known to have written. */
function isReworded(text: string, draft: ClaimDraft, known: readonly string[]): boolean {
  if (claimLine(text, draft.id) === null) return false;
  const standing = readClaims(text).find((claim) => claim.id === draft.id)?.text ?? '';
  return standing !== draft.markdown && !known.includes(digest(standing).slice(0, 12));
}

function titleOf(finding: Finding, to: Route): string {
  if (finding.detail.repository !== '') return finding.detail.repository;
  const name = to.page
    .slice(to.page.lastIndexOf('/') + 1)
    .replace(/\.md$/, '')
    .replaceAll('-', ' ');
  return name.charAt(0).toUpperCase() + name.slice(1);
}

async function writeLedger(
  { brand, day, ledger }: { brand: string; day: string; ledger: LedgerFile },
  entries: readonly Entry[],
): Promise<void> {
  const before = await ledger.read(brand, day);
  if (entries.length === 0 && before !== null) return;
  const after = putEntries(before, { brand, day }, entries);
  if (after !== before) await ledger.write(brand, day, after);
}
