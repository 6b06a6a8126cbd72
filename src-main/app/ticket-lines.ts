import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { fail, ok, type Result } from '../contract/errors.ts';
import { AttemptId, CommitId, RunId, TicketId } from '../contract/ids.ts';
import {
  ApprovalContext,
  AttemptView,
  CheckpointView,
  GateReport,
  ModeDecision,
  PlanVersion,
  QuestionView,
  ResultReport,
  RuntimeName,
  TicketDraft,
  TicketState,
  VerdictReport,
} from '../contract/tickets.ts';
import { noPlan } from '../domain/plan-gate.ts';
import { openAttempt, saidByDraft, type Ticket } from '../domain/ticket.ts';
import { canonicalJson } from '../services/event-store/index.ts';
import { expectationOf } from './configuration.ts';

/** The position of the log that an export shows, with the chain's head there. */
export const ExportHead = z.object({ position: z.number().int(), hash: z.string() });
export type ExportHead = z.infer<typeof ExportHead>;

/**
 * One ticket a line, in the order of their numbers; its own fields first, the whole record behind, in an order of keys that
 * does not depend on how the ticket came to be: the same tickets give the same bytes.
 */
export function ticketLines(tickets: readonly Ticket[]): string {
  return tickets
    .map((ticket) => {
      const { id, draft, state, ...record } = ticket;
      return `${JSON.stringify({
        id,
        title: draft.title,
        description: draft.description,
        status: state,
        assignee: openAttempt(ticket)?.runtime ?? null,
        dependencies: draft.dependsOn,
        parent: draft.parent ?? null,
        ...(JSON.parse(canonicalJson({ draft, ...record })) as object),
      })}\n`;
    })
    .join('');
}

/** Beside `tickets.jsonl`: the position of the log that it shows. */
export function headFile(ticketsFile: string): string {
  return ticketsFile.replace(/\.jsonl$/, '.head.json');
}

/** The position that the export beside a `tickets.jsonl` names; null where there is none that can be read. */
export function readHead(ticketsFile: string): ExportHead | null {
  try {
    return ExportHead.parse(JSON.parse(readFileSync(headFile(ticketsFile), 'utf8')));
  } catch {
    return null;
  }
}

const at = z.string();
const position = z.number().int();
const version = z.number().int();

/** A line of `tickets.jsonl`, whole. What stands in front of the record repeats it for readers. */
const ImportLine = z.object({
  id: TicketId,
  status: TicketState,
  draft: TicketDraft,
  runtime: RuntimeName,
  repository: z.string(),
  hash: z.string(),
  contract: z.string(),
  housekeeping: z.literal(true).optional(),
  checks: ApprovalContext.shape.checks,
  approvedHash: z.string().nullable(),
  reason: z.string(),
  blocked: z.object({ reason: z.string(), detail: z.string() }).nullable(),
  attempts: z.array(AttemptView),
  deaths: z.number().int(),
  candidate: z.object({ attempt: AttemptId, commit: CommitId, commits: z.number().int() }).nullable(),
  results: z.array(z.object({ attempt: AttemptId, version, at, position, result: ResultReport })),
  verdicts: z.array(
    z.object({ attempt: AttemptId, version, at, position, verdict: VerdictReport, run: RunId }),
  ),
  gates: z.array(z.object({ version, at, position, report: GateReport })),
  landing: z.object({ candidate: CommitId, commit: CommitId }).nullable(),
  merged: z.object({ candidate: CommitId, commit: CommitId, branch: z.string() }).nullable(),
  endedAt: z.string().nullable(),
  comments: z.array(z.object({ at, by: z.string(), text: z.string() })),
  predecessor: TicketId.nullable(),
  successor: TicketId.nullable(),
  createdAt: at,
  updatedAt: at,
  version,
  // What a line of an older version lacks stands as it was then.
  modeDecision: ModeDecision.optional(),
  acknowledged: z.boolean().default(false),
  plan: z
    .object({
      versions: z.array(PlanVersion),
      run: RunId.nullable(),
      authors: z.array(RunId),
      reviews: z.array(z.object({ version, run: RunId })),
      failed: z.number().int(),
    })
    .default(noPlan),
  questions: z.array(QuestionView).default([]),
  checkpoint: CheckpointView.nullable().default(null),
  waitsForFolder: z.string().nullable().default(null),
});

/**
 * A ticket as an import may bring it in. What has ended comes in as it ended; anything else is a draft again, because an
 * approval, a candidate or a passed gate is worth something only in the log that recorded it.
 */
function asImported({ status, ...line }: z.infer<typeof ImportLine>): Ticket {
  const record = { ...line, modeDecision: line.modeDecision ?? saidByDraft(line.draft) };
  if (status === 'merged' || status === 'blocked') return { ...record, state: status };
  return {
    ...record,
    state: 'draft',
    approvedHash: null,
    reason: 'waits for approval',
    attempts: [],
    deaths: 0,
    candidate: null,
    results: [],
    verdicts: [],
    gates: [],
    landing: null,
    plan: noPlan,
    questions: [],
    checkpoint: null,
    waitsForFolder: null,
  };
}

/** Reads `tickets.jsonl`: every line, or the first that is wrong by its number. */
export function readTicketLines(file: string): Result<Ticket[]> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return fail(
      'invalid-file',
      `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      'give the path of a tickets.jsonl',
    );
  }
  return parseTicketLines(text, file);
}

/** {@link readTicketLines} of a text that was read already; `file` is what a failure names. */
export function parseTicketLines(text: string, file: string): Result<Ticket[]> {
  const tickets: Ticket[] = [];
  const lines = text.split('\n');
  for (const [index, line] of lines.entries()) {
    if (line === '' && index === lines.length - 1) continue;
    const wrong = (expected: string) =>
      fail(
        'invalid-file',
        `${file}, line ${index + 1}: read ${JSON.stringify(line.slice(0, 80))}, expected ${expected}`,
        'mend that line; nothing was imported',
      );
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      return wrong('one JSON object, a ticket');
    }
    const parsed = ImportLine.safeParse(value);
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      return wrong(`a ticket with ${issue?.path.join('.') ?? ''} = ${expectationOf(issue)}`);
    }
    tickets.push(asImported(parsed.data));
  }
  return ok(tickets);
}
