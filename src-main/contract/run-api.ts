import { z } from 'zod';
import { RunCall } from './config.ts';
import { TicketId } from './ids.ts';
import { PlanText, ResultReport, VerdictReport } from './tickets.ts';

/**
 * What a run may say on its own socket: it reports and it asks. Nothing here approves, starts or moves anything, and the run is
 * known by the socket it speaks on, so that no call names one.
 */
export const runApiPaths = {
  callback: '/api/executions/callback',
  plan: '/api/run/plan',
  review: '/api/run/review',
  result: '/api/run/result',
  verdict: '/api/run/verdict',
  progress: '/api/run/progress',
  comment: '/api/run/comment',
  brief: '/api/run/brief',
  guard: '/api/run/guard',
  ask: '/api/run/ask',
  wikiSearch: '/api/run/wiki-search',
  wikiWrite: '/api/run/wiki-write',
  checkpoint: '/api/run/checkpoint',
} as const;

/** The tools of `atrium mcp`, each with the verb that it is in a contract's `calls`. */
export const runToolCalls = {
  submit_plan: 'plan',
  submit_review: 'review',
  submit_result: 'result',
  submit_verdict: 'verdict',
  ask: 'ask',
  wiki_search: 'wiki-search',
  request_wiki_write: 'wiki-write',
  checkpoint: 'checkpoint',
  report_progress: 'progress',
} as const satisfies Record<string, RunCall>;
export type RunToolName = keyof typeof runToolCalls;

/** The name by which agent programs know `atrium mcp` among the servers of the Model Context Protocol. */
export const RUN_TOOLS_SERVER = 'atrium';

/**
 * The tool of `atrium mcp` behind the name that an agent program gives it: "mcp__atrium__ask", "mcp_atrium_ask", "atrium_ask",
 * "ask (atrium MCP Server)". Null for every other name.
 */
export function runToolOf(name: string): RunToolName | null {
  const [, after, before] = named.exec(name) ?? [];
  const tool = after ?? before ?? '';
  return Object.hasOwn(runToolCalls, tool) ? (tool as RunToolName) : null;
}
const named = new RegExp(
  `^(?:(?:mcp__${RUN_TOOLS_SERVER}__|(?:mcp_)?${RUN_TOOLS_SERVER}_)(\\w+)|(\\w+) \\(${RUN_TOOLS_SERVER} MCP Server\\))$`,
);

/** So long a question waits for the operator before the run is told to end, in milliseconds. */
export const ASK_WAIT_MS = 4 * 60_000;

/** The language tag of the fenced block that carries a result. */
export const RESULT_FENCE = 'atrium-result';

const reportText = z.string().trim().min(1).max(20_000);

/** `POST /api/executions/callback`: the ticket, and the text that holds the markers. */
export const CallbackBody = z
  .strictObject({
    ticketId: z.string().max(100),
    text: z.string().max(2_000_000).optional(),
    markers: z.string().max(2_000_000).optional(),
  })
  .refine(
    (body) => (body.text === undefined) !== (body.markers === undefined),
    'either "text" or "markers", not both',
  );
export type CallbackBody = z.infer<typeof CallbackBody>;

/** `POST /api/run/result`: what the fenced block holds, as the body itself. */
export const ResultBody = z.strictObject({
  ...ResultReport.shape,
  commands: z
    .array(z.strictObject({ command: z.string().max(2_000), exitCode: z.number().int() }))
    .max(200)
    .default([]),
});
export type ResultBody = z.infer<typeof ResultBody>;

/** `POST /api/run/verdict`: from a verifier's run alone. */
export const VerdictBody = z.strictObject(VerdictReport.shape);
export type VerdictBody = z.infer<typeof VerdictBody>;

/** `POST /api/run/plan`: from the run that was started to write it. */
export const PlanBody = z.strictObject({ ticket: TicketId, text: PlanText });
export type PlanBody = z.infer<typeof PlanBody>;

/** `POST /api/run/review`: from the run that was started to review one version of a plan. */
export const ReviewBody = z.strictObject({
  ticket: TicketId,
  version: z.number().int().min(1),
  decision: z.enum(['approve', 'revise']),
  note: z.string().trim().max(10_000).default(''),
});
export type ReviewBody = z.infer<typeof ReviewBody>;

/** `POST /api/run/ask`: one question to the operator, with answers to choose from where there are some. */
export const AskBody = z.strictObject({
  text: z.string().trim().min(1).max(4_000),
  choices: z.array(z.string().trim().min(1).max(500)).max(9).default([]),
});
export type AskBody = z.infer<typeof AskBody>;

/** Answer to a question: the operator's, or null where none came in time. */
export const AskReply = z.object({ ok: z.literal(true), message: z.string(), answer: z.string().nullable() });
export type AskReply = z.infer<typeof AskReply>;

/** `POST /api/run/wiki-search`. */
export const SearchBody = z.strictObject({ query: z.string().trim().min(1).max(1_000) });
export type SearchBody = z.infer<typeof SearchBody>;

/** What the wiki has, as plain text. */
export const WikiHit = z.object({ page: z.string(), title: z.string(), text: z.string() });
export type WikiHit = z.infer<typeof WikiHit>;
export const WikiReply = z.object({ ok: z.literal(true), hits: z.array(WikiHit) });
export type WikiReply = z.infer<typeof WikiReply>;

/** `POST /api/run/progress`, `POST /api/run/comment` and `POST /api/run/wiki-write`. */
export const TextBody = z.strictObject({ text: reportText });
export type TextBody = z.infer<typeof TextBody>;

/** Answer to `GET /api/run/brief`. */
export const BriefReply = z.object({
  brief: z.string(),
  /** Verbs that the contract of the run allows. */
  calls: z.array(RunCall),
});
export type BriefReply = z.infer<typeof BriefReply>;

/** `POST /api/run/guard`: what an agent program's hook was given at an event. Whatever it holds is answered. */
export const GuardBody = z.object({ event: z.string().max(100), input: z.unknown() });
export type GuardBody = z.infer<typeof GuardBody>;

/** Answer to a hook: whether the call may go on, by which rule, and a reason that the agent can act on. */
export const GuardReply = z.object({
  decision: z.enum(['allow', 'deny']),
  rule: z.string(),
  reason: z.string(),
});
export type GuardReply = z.infer<typeof GuardReply>;

/** Answer to a report that was taken. */
export const AcceptedReply = z.object({ ok: z.literal(true), message: z.string() });
export type AcceptedReply = z.infer<typeof AcceptedReply>;

/** Why a call on a run's socket was refused. */
export const RunApiErrorCode = z.enum([
  'invalid-content',
  'forbidden',
  'not-found',
  'method-not-allowed',
  'too-slow',
  'too-large',
  'markers-missing',
  'markers-malformed',
  'wrong-ticket',
  'invalid-report',
  'rate-limited',
  'refused',
  'fault',
]);
export type RunApiErrorCode = z.infer<typeof RunApiErrorCode>;

export const RunApiError = z.object({
  error: z.object({ code: RunApiErrorCode, message: z.string(), hint: z.string() }),
});
export type RunApiError = z.infer<typeof RunApiError>;

/** A result that could be read, or why not. */
export type ResultReading =
  | { ok: true; result: ResultReport }
  | {
      ok: false;
      code: 'markers-missing' | 'markers-malformed' | 'wrong-ticket' | 'invalid-report';
      message: string;
    };

/**
 * Reads the one block fenced as `atrium-result` out of a text, for the ticket that the run works on (null: it works on none, so
 * that no result is right). Two blocks are refused: which one is meant cannot be known.
 */
export function readResultMarkers(text: string, ticket: string | null): ResultReading {
  const blocks = fencedBlocks(text);
  const [block] = blocks;
  if (block === undefined) {
    return {
      ok: false,
      code: 'markers-missing',
      message: `The text holds no block fenced as \`${RESULT_FENCE}\`.`,
    };
  }
  if (blocks.length > 1) {
    const message = `The text holds ${blocks.length} blocks fenced as \`${RESULT_FENCE}\`; exactly one was expected.`;
    return { ok: false, code: 'markers-malformed', message };
  }
  let value: unknown;
  try {
    value = JSON.parse(block);
  } catch {
    return {
      ok: false,
      code: 'markers-malformed',
      message: `The \`${RESULT_FENCE}\` block holds no valid JSON.`,
    };
  }
  return readResult(value, ticket);
}

/** Reads a result given as JSON, for the ticket that the run works on. */
export function readResult(value: unknown, ticket: string | null): ResultReading {
  const named = z.object({ ticket: TicketId }).safeParse(value);
  if (named.success && named.data.ticket !== ticket) {
    return { ok: false, code: 'wrong-ticket', message: wrongTicket(named.data.ticket, ticket) };
  }
  const parsed = ResultBody.safeParse(value);
  if (!parsed.success) {
    return {
      ok: false,
      code: 'invalid-report',
      message: `The result cannot be read: ${firstIssue(parsed.error)}.`,
    };
  }
  return { ok: true, result: parsed.data };
}

/** The sentence for a report that names another ticket than the run's. */
export function wrongTicket(named: string, ticket: string | null): string {
  return ticket === null
    ? `This run works on no ticket, so it cannot report on ${named}.`
    : `This run works on ${ticket}, so it cannot report on ${named}.`;
}

/** The block that carries a result, as a run writes it. */
export function writeResultMarkers(result: ResultReport): string {
  return `\`\`\`${RESULT_FENCE}\n${JSON.stringify(result, null, 2)}\n\`\`\`\n`;
}

/** The first thing that is wrong, as `where: what`. */
export function firstIssue(error: z.ZodError): string {
  const [issue] = error.issues;
  if (issue === undefined) return 'it does not have the expected form';
  const where = issue.path.map(String).join('.');
  return where === '' ? issue.message : `${where}: ${issue.message}`;
}

function fencedBlocks(text: string): string[] {
  const blocks: string[] = [];
  let open: { fence: string; lines: string[]; wanted: boolean } | undefined;
  for (const line of text.split(/\r?\n/)) {
    if (open === undefined) {
      const start = /^ {0,3}(`{3,}|~{3,})[ \t]*([^`\s]*)[ \t]*$/.exec(line);
      if (start !== null) open = { fence: start[1] ?? '```', lines: [], wanted: start[2] === RESULT_FENCE };
      continue;
    }
    const end = /^ {0,3}(`{3,}|~{3,})[ \t]*$/.exec(line);
    if (end !== null && end[1]?.[0] === open.fence[0] && (end[1]?.length ?? 0) >= open.fence.length) {
      if (open.wanted) blocks.push(open.lines.join('\n'));
      open = undefined;
      continue;
    }
    open.lines.push(line);
  }
  return blocks;
}
