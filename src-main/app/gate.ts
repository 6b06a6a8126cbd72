import type { Actor } from '../contract/events.ts';
import type { Failure } from '../contract/errors.ts';
import type { TicketId } from '../contract/ids.ts';
import type { GateCondition, GateReport } from '../contract/tickets.ts';
import { isCleared, isSame } from '../domain/checkpoint-gate.ts';
import type { TicketCommand } from '../domain/ticket-decider.ts';
import { hasFailed, type Ticket } from '../domain/ticket.ts';
import type { BranchKeeper } from './branches.ts';
import type { Runtime } from '../services/runtimes/index.ts';
import type { Brand, BrandRepository } from './brand.ts';
import { touchedOf } from './touched.ts';
import { createExaminer, mergeCommitOf, type Candidate } from './examination.ts';
import type { auditPaths } from './path-audit.ts';

/**
 * How a candidate left the gate. `waiting`: for the operator's folder or branch, or the doctor; the ticket says which. `left`: somebody else decided
 * about the ticket meanwhile, or the core closes; nothing was merged. `asks`: the operator decides about what it touches, or that it
 * does not merge.
 */
export type GateOutcome =
  { outcome: 'merged' | 'failed' | 'unverified' | 'left' | 'asks' } | { outcome: 'waiting'; folder: string };

export interface GateParts {
  brand: Brand;
  branches: Pick<BranchKeeper, 'look'>;
  runtimes: readonly Runtime[];
  /** Upper bound of a verifier's run that is an agent program's, in milliseconds. */
  attemptMs: number;
  checkMs: number;
  /** Looks at what a candidate changes, beside what it says. */
  audit: typeof auditPaths;
  /** Reads anew what other brands' words are known by. */
  refreshExits(): Promise<void>;
  /** The doctor's word: grade A for the workspace and this brand. */
  doctor(): Promise<{ ok: boolean; detail: string }>;
}

const core: Actor = { kind: 'core', part: 'gate' };
/** How often the branch may move under a candidate before the attempt is given up. */
const MOVES = 20;
const LEFT: GateOutcome = { outcome: 'left' };
const ASKS: GateOutcome = { outcome: 'asks' };

/** The one way to main: every condition must pass; there is no force. */
export interface Gate {
  pass(ticket: TicketId): Promise<GateOutcome>;
}

export function createGate(parts: GateParts): Gate {
  const { brand } = parts;
  const { tickets } = brand;
  const examiner = createExaminer(parts);
  const turns = new Map<string, Promise<unknown>>();

  const record = (id: TicketId, command: TicketCommand, commandId?: string) =>
    tickets.execute(id, command, core, commandId);

  /** What a refusal means: somebody else decided meanwhile or the core closes, or else this candidate cannot pass. */
  const refused = (candidate: Candidate, failure: Failure): GateOutcome =>
    failure.code === 'core-unreachable' || candidateOf(candidate.ticket.id)?.attempt !== candidate.attempt
      ? LEFT
      : end(candidate, 'failed', failure.message);

  const end = (candidate: Candidate, outcome: 'failed' | 'unverified', reason: string): GateOutcome => {
    const { attempt } = candidate;
    record(
      candidate.ticket.id,
      { type: 'end-attempt', attempt, outcome, reason, counts: true },
      `end:${attempt}`,
    );
    return { outcome };
  };

  /** It waits for a folder of the operator's, which is told once a reason. */
  const waits = ({ ticket: { id }, attempt }: Candidate, detail: string, folder: string): GateOutcome => {
    const ticket = tickets.get(id);
    if (ticket?.waitsForFolder !== folder || ticket.reason !== detail)
      record(id, { type: 'wait-at-gate', attempt, detail, folder });
    return { outcome: 'waiting', folder };
  };

  const candidateOf = (id: TicketId): Candidate | null => {
    const ticket = tickets.get(id);
    const attempt = ticket?.attempts.find((one) => one.id === ticket.candidate?.attempt);
    return ticket?.candidate && attempt
      ? { ticket, ...ticket.candidate, base: attempt.base, startedAt: attempt.startedAt }
      : null;
  };

  const pass: Gate['pass'] = async (id) => {
    const candidate = candidateOf(id);
    if (!candidate) return LEFT;
    const found = brand.repository(candidate.ticket.repository);
    if (!found.ok) return end(candidate, 'unverified', found.failure.message);
    // Merges of a repository are one at a time: each is examined on what the one before it left.
    const before = turns.get(found.value.config.name) ?? Promise.resolve();
    const turn = before.then(
      () => passInTurn(candidate, found.value),
      () => passInTurn(candidate, found.value),
    );
    turns.set(found.value.config.name, turn);
    return turn;
  };

  const passInTurn = async (first: Candidate, repository: BrandRepository): Promise<GateOutcome> => {
    const { id } = first.ticket;
    const candidate = candidateOf(id);
    if (!candidate || candidate.attempt !== first.attempt) return LEFT;
    if (hasFailed(candidate.ticket, candidate.commit))
      return end(candidate, 'failed', `${candidate.commit} has failed, and a fail sticks to its commit`);
    await repository.git.recoverLanding();
    if (await finishLanding(candidate.ticket, repository)) return { outcome: 'merged' };
    let report = standing(candidate.ticket);
    let retried = false;
    for (let move = 0; move < MOVES; move += 1) {
      const strange = await parts.branches.look(repository);
      if (strange !== null) {
        const folder = repository.config.path;
        return waits(candidate, strange, folder);
      }
      const onto = await repository.git.head();
      if (report?.onto !== onto) {
        report = await examiner.examine(candidate, repository, onto);
        if (report.outcome === 'unverified' && !retried && !waitsForDoctor(report)) {
          retried = true;
          report = await examiner.examine(candidate, repository, onto);
        }
        report = await withCheckpoints(id, repository, report);
        const reported = record(id, { type: 'report-gate', report });
        if (!reported.ok) return refused(candidate, reported.failure);
      }
      if (waitsForDoctor(report)) {
        record(id, { type: 'wait-at-gate', attempt: candidate.attempt, detail: reasonOf(report)[1] });
        return { outcome: 'waiting', folder: repository.config.path };
      }
      if (report.outcome !== 'pass')
        return conflictsAgain(id, report)
          ? askAboutConflict(candidate, report)
          : end(candidate, ...reasonOf(report));
      if (!clearsCheckpoints(report)) {
        report = await withCheckpoints(id, repository, report);
        if (!clearsCheckpoints(report)) return stop(candidate, repository, report);
        const reported = record(id, { type: 'report-gate', report });
        if (!reported.ok) return refused(candidate, reported.failure);
      }
      const outcome = await land(candidate, repository, report);
      if (outcome !== 'moved') return outcome;
    }
    return end(
      candidate,
      'unverified',
      `${repository.config.branch} moved ${MOVES} times while the gate was at work`,
    );
  };

  /** The report with the word on what a person decides about, where nothing is left to decide. */
  const withCheckpoints = async (
    id: TicketId,
    repository: BrandRepository,
    report: GateReport,
  ): Promise<GateReport> => {
    if (report.outcome !== 'pass') return report;
    const hits = await touchedOf(brand, repository, report.onto, report.tree);
    const ticket = tickets.get(id);
    if (!ticket || !isCleared(ticket, report.candidate, hits)) return report;
    const detail =
      hits.length === 0
        ? 'it touches nothing that a person decides about'
        : `the operator approved what it touches: ${hits.map((hit) => hit.path).join(', ')}`;
    const condition = { name: 'checkpoints' as const, outcome: 'pass' as const, detail, durationMs: 0 };
    return { ...report, conditions: [...report.conditions, condition] };
  };

  /** A candidate that does not merge is done again on the new base once; whoever else moved the branch may move it again. */
  const conflictsAgain = (id: TicketId, report: GateReport): boolean => {
    const ticket = tickets.get(id);
    if (!ticket || ticket.draft.commit !== undefined || !doesNotMerge(report)) return false;
    return ticket.gates.some(
      (gate) => gate.report.candidate !== report.candidate && doesNotMerge(gate.report),
    );
  };

  const askAboutConflict = (candidate: Candidate, report: GateReport): GateOutcome => {
    const { attempt } = candidate;
    const question = `conflict-${attempt}`;
    const [, text] = reasonOf(report);
    const asked = record(
      candidate.ticket.id,
      { type: 'ask-about-conflict', question, attempt, text },
      question,
    );
    return asked.ok ? ASKS : refused(candidate, asked.failure);
  };

  /** Everything else holds: the operator has the last word on what it touches. */
  const stop = async (
    candidate: Candidate,
    repository: BrandRepository,
    report: GateReport,
  ): Promise<GateOutcome> => {
    const { id } = candidate.ticket;
    const { attempt, commit } = candidate;
    const hits = await touchedOf(brand, repository, report.onto, report.tree);
    if (isSame(tickets.get(id)?.checkpoint ?? null, commit, hits)) return ASKS;
    const raised = record(id, { type: 'raise-checkpoint', attempt, commit, hits });
    return raised.ok ? ASKS : refused(candidate, raised.failure);
  };

  const land = async (
    candidate: Candidate,
    repository: BrandRepository,
    report: GateReport,
  ): Promise<GateOutcome | 'moved'> => {
    const { id } = candidate.ticket;
    const { attempt } = candidate;
    const { onto } = report;
    const { commit } = await mergeCommitOf(candidate, repository, report);
    // What waited is told to go to the branch only when it can: the operator may save files there for hours.
    if ((tickets.get(id)?.waitsForFolder ?? null) !== null) {
      const busy = await repository.git.landingWaits({ commit, expected: onto });
      if (busy !== null) return waits(candidate, waitsForTree(busy), busy.folder);
    }
    const begun = record(id, { type: 'begin-merge', attempt, candidate: candidate.commit, commit, onto });
    if (!begun.ok) return refused(candidate, begun.failure);
    const guarded = await brand.guard.act({
      guard: 'pre-merge-gate',
      act: 'merge',
      ticket: id,
      text: `${candidate.commit} onto ${repository.config.branch}`,
      before: () => lacking(report, candidate),
      execute: () => repository.git.land({ commit, expected: onto, message: `atrium: merge ${id}` }),
      after: async (landing) => {
        if (landing?.ok !== true) return null;
        const head = await repository.git.head();
        return (await repository.git.isDescendant(head, commit))
          ? null
          : `${repository.config.branch} is at ${head} and does not hold the merge ${commit}`;
      },
    });
    if (!guarded.done) return end(candidate, 'unverified', guarded.refused);
    const landed = guarded.value;
    if (landed.ok) return merged(id, attempt, { candidate: candidate.commit, commit }, repository);
    if (landed.code === 'working-tree-busy') {
      return waits(candidate, waitsForTree(landed), landed.folder);
    }
    if (landed.code === 'not-fast-forward') return end(candidate, 'failed', landed.message);
    record(id, {
      type: 'wait-at-gate',
      attempt,
      detail: `${repository.config.branch} moved; it is examined again`,
    });
    return 'moved';
  };

  const merged = (
    id: TicketId,
    attempt: Candidate['attempt'],
    landing: NonNullable<Ticket['landing']>,
    repository: BrandRepository,
  ): GateOutcome => {
    const { branch } = repository.config;
    // Where the core closes, the next start finds the branch moved and ends it.
    return record(id, { type: 'merge', attempt, ...landing, branch }, `merge:${attempt}`).ok
      ? { outcome: 'merged' }
      : LEFT;
  };

  /** A crash between the branch's move and its event: the branch has the merge already. */
  const finishLanding = async (ticket: Ticket, repository: BrandRepository): Promise<boolean> => {
    const { landing, candidate } = ticket;
    if (!landing || !candidate) return false;
    if (!(await repository.git.isDescendant(await repository.git.head(), landing.commit))) return false;
    return merged(ticket.id, candidate.attempt, landing, repository).outcome === 'merged';
  };

  return { pass };
}

/** Whether the report says that nothing is left for a person to decide. */
function clearsCheckpoints(report: GateReport): boolean {
  return report.conditions.some((one) => one.name === 'checkpoints' && one.outcome === 'pass');
}

/** The report that still holds for this candidate, from before a wait or a crash. */
function standing(ticket: Ticket): GateReport | undefined {
  const last = ticket.gates.at(-1)?.report;
  return last?.candidate === ticket.candidate?.commit && last?.outcome === 'pass' ? last : undefined;
}

/** All that is against it is Atrium's own state, which is no fault of the candidate: it waits until that is put right. */
function waitsForDoctor(report: GateReport): boolean {
  const against = report.conditions.filter((one) => one.outcome !== 'pass');
  return against.length > 0 && against.every((one) => one.name === 'doctor');
}

function waitsForTree({ folder, detail }: { folder: string; detail: string }): string {
  return `waits for ${folder}: ${detail}`;
}

function doesNotMerge(report: GateReport): boolean {
  return report.conditions.some(({ name, outcome }) => name === 'merge' && outcome !== 'pass');
}

function reasonOf(report: GateReport): ['failed' | 'unverified', string] {
  const held = report.conditions.filter((one) => one.outcome === report.outcome);
  return [report.outcome === 'fail' ? 'failed' : 'unverified', held.map((one) => one.detail).join('; ')];
}

/** What a merge rests on; a report in which one of them is missing passes nothing. */
const REQUIRED: readonly GateCondition['name'][] = [
  'commits',
  'merge',
  'paths',
  'test',
  'lint',
  'verdict',
  'doctor',
  'checkpoints',
];

/** What of a report keeps this candidate from being merged; null where every condition holds. */
function lacking(report: GateReport, candidate: Candidate): string | null {
  if (report.candidate !== candidate.commit) return `the report is about ${report.candidate}`;
  const failed = report.conditions.find(({ outcome }) => outcome !== 'pass');
  if (failed) return `${failed.name}: ${failed.detail}`;
  const missing = REQUIRED.filter((name) => !report.conditions.some((one) => one.name === name));
  return missing.length > 0 ? `did not run: ${missing.join(', ')}` : null;
}
