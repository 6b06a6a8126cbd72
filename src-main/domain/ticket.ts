import type {
  ApprovalContext,
  AttemptView,
  CheckpointView,
  GateReport,
  ModeDecision,
  QuestionView,
  ResultReport,
  RuntimeName,
  TicketDraft,
  TicketState,
  VerdictReport,
} from '../contract/tickets.ts';
import type { AttemptId, CommitId, RunId, TicketId } from '../contract/ids.ts';
import type { Plan } from './plan-gate.ts';
import { openQuestions } from './questions.ts';

/** The contract under which tickets are carried out. */
export const EXECUTOR = 'ticket-executor';
/** A third failed attempt is a dead letter. */
export const MAX_FAILED_ATTEMPTS = 3;
/** A ticket that was running at so many deaths of the core is set aside. */
export const MAX_DEATHS = 3;

/** What a ticket's stream folds to. */
export interface Ticket {
  id: TicketId;
  state: TicketState;
  draft: TicketDraft;
  runtime: RuntimeName;
  repository: string;
  hash: string;
  contract: string;
  checks: ApprovalContext['checks'];
  modeDecision: ModeDecision;
  /** What the doctor found: it is settled by a repair, not carried out. */
  housekeeping?: true | undefined;
  approvedHash: string | null;
  /** Why it stands where it stands, in words. */
  reason: string;
  blocked: { reason: string; detail: string } | null;
  /** The operator has seen that it stopped. */
  acknowledged: boolean;
  plan: Plan;
  questions: QuestionView[];
  /** The human checkpoint of the latest candidate that hit one. */
  checkpoint: CheckpointView | null;
  /** The folder of the operator's that a candidate waits for. */
  waitsForFolder: string | null;
  attempts: AttemptView[];
  /** Deaths of the core at which it was running. */
  deaths: number;
  candidate: { attempt: AttemptId; commit: CommitId; commits: number } | null;
  results: { attempt: AttemptId; version: number; at: string; position: number; result: ResultReport }[];
  verdicts: {
    attempt: AttemptId;
    version: number;
    at: string;
    position: number;
    verdict: VerdictReport;
    run: RunId;
  }[];
  gates: { version: number; at: string; position: number; report: GateReport }[];
  /** What is on its way to the branch: nothing else decides about the ticket until it is there or could not go. */
  landing: { candidate: CommitId; commit: CommitId } | null;
  merged: { candidate: CommitId; commit: CommitId; branch: string } | null;
  /** When it came to its end: merged or blocked. */
  endedAt: string | null;
  comments: { at: string; by: string; text: string }[];
  predecessor: TicketId | null;
  successor: TicketId | null;
  createdAt: string;
  updatedAt: string;
  version: number;
}

/** The edges of the life of a ticket. `blocked` and `merged` are ends. */
export const EDGES: Record<TicketState, readonly TicketState[]> = {
  draft: ['ready', 'blocked'],
  ready: ['in_progress', 'blocked'],
  in_progress: ['verifying', 'blocked'],
  verifying: ['merged', 'blocked'],
  merged: [],
  blocked: [],
};

/** Whether a verdict or a gate has failed this commit: a later pass on it does not count. */
export function hasFailed(ticket: Ticket, commit: CommitId): boolean {
  return (
    ticket.verdicts.some((v) => v.verdict.commit === commit && v.verdict.verdict === 'fail') ||
    ticket.gates.some((g) => g.report.candidate === commit && g.report.outcome === 'fail')
  );
}

/** The attempt that has not ended. */
export function openAttempt(ticket: Ticket): AttemptView | undefined {
  return ticket.attempts.find((attempt) => attempt.state === 'running' || attempt.state === 'submitted');
}

/** The runs that work on a ticket now, each with its attempt. */
export function workingRuns(ticket: Ticket): { run: RunId; attempt: AttemptId | null }[] {
  const open = openAttempt(ticket);
  return [
    ...(open?.state === 'running' ? [{ run: open.run, attempt: open.id }] : []),
    ...(ticket.plan.run === null ? [] : [{ run: ticket.plan.run, attempt: null }]),
  ];
}

/** Whether a run works on a ticket now. */
export function worksOn(ticket: Ticket, run: RunId): boolean {
  return workingRuns(ticket).some((one) => one.run === run);
}

/** Whether it goes on only when the operator has answered: nothing of it runs until then. */
export function waitsForAnswer(ticket: Ticket): boolean {
  return openQuestions(ticket).length > 0 && openAttempt(ticket) === undefined && ticket.plan.run === null;
}

/** Whether it could be taken up now: approved, in nobody's hands, every dependency merged. */
export function isAvailable(ticket: Ticket, find: (id: TicketId) => Ticket | null): boolean {
  return (
    ticket.state === 'ready' &&
    openAttempt(ticket) === undefined &&
    ticket.draft.dependsOn.every((id) => find(id)?.state === 'merged')
  );
}

/** How many attempts failed on their own account. */
export function failedAttempts(ticket: Ticket): number {
  return ticket.attempts.filter((attempt) => attempt.endedAt !== null && attempt.counts).length;
}

/** The mode of a ticket whose log is from before policy chose it. */
export function saidByDraft(draft: TicketDraft): ModeDecision {
  const reason = 'the draft says so';
  return { mode: draft.mode ?? 'direct', rule: 'draft', reason, review: 'reviewer' };
}
