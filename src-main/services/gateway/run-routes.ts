import type { IncomingMessage, ServerResponse } from 'node:http';
import type { z } from 'zod';
import type { RunCall } from '../../contract/config.ts';
import type { FailureCode, Result } from '../../contract/errors.ts';
import { HandoffContext } from '../../contract/handoff.ts';
import {
  AskBody,
  CallbackBody,
  firstIssue,
  GuardBody,
  PlanBody,
  readResult,
  readResultMarkers,
  ReviewBody,
  runApiPaths,
  SearchBody,
  TextBody,
  VerdictBody,
  wrongTicket,
} from '../../contract/run-api.ts';
import type { ResultReading, RunApiErrorCode } from '../../contract/run-api.ts';
import { parseJson, readBody } from './body.ts';
import type { GatewayLimits, GatewayRun, RunReports } from './ports.ts';
import { createTokenBucket } from './token-bucket.ts';

export interface RunRoutesOptions {
  run: GatewayRun;
  reports: RunReports;
  clock: { now(): number };
  limits: GatewayLimits;
}

/** The run API on a run's socket. */
export interface RunRoutes {
  handle(request: IncomingMessage, response: ServerResponse, pathname: string): Promise<void>;
}

const NO_USE: Result<never> = {
  ok: false,
  failure: { code: 'not-authorized', message: 'This run has no use for it.', hint: 'See your brief.' },
};

type Reply = { status: number; body: unknown };

const statusOf: Record<RunApiErrorCode, number> = {
  'invalid-content': 400,
  forbidden: 403,
  'not-found': 404,
  'method-not-allowed': 405,
  'too-slow': 408,
  refused: 409,
  'too-large': 413,
  'markers-missing': 422,
  'markers-malformed': 422,
  'wrong-ticket': 422,
  'invalid-report': 422,
  'rate-limited': 429,
  fault: 500,
};

const resultHint =
  'Send one block fenced as ```atrium-result with JSON: {"ticket", "commit" (full id), "summary", ' +
  '"commands": [{"command", "exitCode"}], "files": [path]}. `atrium submit result --summary TEXT` writes it.';

/** The verb of a contract that each call is; an agent program's hook is answered whatever its contract allows. */
const callOf: Record<string, RunCall | 'guard'> = {
  [runApiPaths.callback]: 'result',
  [runApiPaths.plan]: 'plan',
  [runApiPaths.review]: 'review',
  [runApiPaths.result]: 'result',
  [runApiPaths.verdict]: 'verdict',
  [runApiPaths.progress]: 'progress',
  [runApiPaths.comment]: 'comment',
  [runApiPaths.brief]: 'brief',
  [runApiPaths.guard]: 'guard',
  [runApiPaths.ask]: 'ask',
  [runApiPaths.wikiSearch]: 'wiki-search',
  [runApiPaths.wikiWrite]: 'wiki-write',
  [runApiPaths.checkpoint]: 'checkpoint',
};

/** What only asks; a hook is bounded by the guard that answers it. */
const NOT_KEPT: ReadonlySet<RunCall | 'guard'> = new Set(['brief', 'wiki-search', 'guard']);

export function createRunRoutes(options: RunRoutesOptions): RunRoutes {
  const { run, reports, limits } = options;
  const bucket = createTokenBucket(options.clock, limits.callsBurst, limits.callsPerSecond);
  let kept = 0;
  const hooks = createTokenBucket(options.clock, limits.hooksBurst, limits.hooksPerSecond);

  const takeResult = async (reading: ResultReading): Promise<Reply> => {
    if (!reading.ok) return refusal(reading.code, reading.message, resultHint);
    if (run.role === 'verifier') {
      return refusal(
        'forbidden',
        'A verifier gives a verdict, not a result.',
        'Use `atrium submit verdict`.',
      );
    }
    return taken(await reports.result(reading.result), 'The result was taken; the gate decides.');
  };

  const takeVerdict = async (body: unknown): Promise<Reply> => {
    if (run.role !== 'verifier') {
      return refusal(
        'forbidden',
        'Only a verifier gives a verdict.',
        'Submit a result; the verifier looks at it.',
      );
    }
    const parsed = VerdictBody.safeParse(body);
    if (!parsed.success) {
      const message = `The verdict cannot be read: ${firstIssue(parsed.error)}.`;
      return refusal(
        'invalid-report',
        message,
        'Send {"ticket", "commit", "verdict": pass|fail|unverified, "reasons": […]}.',
      );
    }
    if (parsed.data.ticket !== run.ticket) {
      return refusal(
        'wrong-ticket',
        wrongTicket(parsed.data.ticket, run.ticket),
        'Report on the ticket of the brief.',
      );
    }
    return taken(await reports.verdict(parsed.data), 'The verdict was taken; the gate decides.');
  };

  const takeCallback = (body: unknown): Promise<Reply> | Reply => {
    const parsed = CallbackBody.safeParse(body);
    if (!parsed.success)
      return refusal(
        'invalid-content',
        `The callback cannot be read: ${firstIssue(parsed.error)}.`,
        resultHint,
      );
    const { ticketId, text, markers } = parsed.data;
    if (ticketId !== run.ticket)
      return refusal('wrong-ticket', wrongTicket(shorten(ticketId), run.ticket), resultHint);
    return takeResult(readResultMarkers(text ?? markers ?? '', run.ticket));
  };

  const takeHook = async (body: unknown): Promise<Reply> => {
    const parsed = GuardBody.safeParse(body);
    if (!parsed.success)
      return refusal(
        'invalid-content',
        `The hook cannot be read: ${firstIssue(parsed.error)}.`,
        'Send {"event": "PreToolUse", "input": {…}}: without an answer the call is denied.',
      );
    if (reports.guard === undefined)
      return refusal('forbidden', 'This run takes no hooks.', 'Without an answer the call is denied.');
    return { status: 200, body: await reports.guard(parsed.data.event, parsed.data.input) };
  };

  const takeText = async (
    body: unknown,
    to: (text: string) => Promise<Result<unknown>>,
    done: string,
  ): Promise<Reply> => {
    const parsed = TextBody.safeParse(body);
    if (!parsed.success) {
      return refusal(
        'invalid-content',
        `The text cannot be read: ${firstIssue(parsed.error)}.`,
        'Send {"text": "…"}.',
      );
    }
    return taken(await to(parsed.data.text), done);
  };

  /** Reads a body by its shape and hands it on. A run that has no use for the verb is refused. */
  const take = async <S extends z.ZodType>(
    schema: S,
    body: unknown,
    what: string,
    to: ((value: z.infer<S>) => Promise<Reply>) | undefined,
  ): Promise<Reply> => {
    if (to === undefined) return refusal('forbidden', `This run has no use for ${what}.`, 'See your brief.');
    const parsed = schema.safeParse(body);
    if (!parsed.success) {
      const message = `${what} cannot be read: ${firstIssue(parsed.error)}.`;
      return refusal('invalid-report', capital(message), 'See `atrium --help`.');
    }
    const named =
      typeof parsed.data === 'object' && parsed.data !== null && 'ticket' in parsed.data
        ? String(parsed.data.ticket)
        : run.ticket;
    return named === run.ticket
      ? to(parsed.data)
      : refusal('wrong-ticket', wrongTicket(named ?? '', run.ticket), 'Report on the ticket of the brief.');
  };

  const ask = async (question: AskBody): Promise<Reply> => {
    const asked = await reports.ask?.(question);
    if (asked?.ok !== true) return taken(asked ?? NO_USE, '');
    const { answer } = asked.value;
    const message =
      answer === null
        ? 'The operator has not answered yet. Commit what you have, save a checkpoint and end without a result: you are started again with the answer in your brief.'
        : 'The operator has answered.';
    return { status: 200, body: { ok: true, message, answer } };
  };

  const search = async ({ query }: SearchBody): Promise<Reply> => {
    const found = await reports.search?.(query);
    return found?.ok === true
      ? { status: 200, body: { ok: true, hits: found.value } }
      : taken(found ?? NO_USE, '');
  };

  const route = (pathname: string, body: unknown): Promise<Reply> | Reply => {
    const { plan, review, wikiWrite, checkpoint } = reports;
    switch (pathname) {
      case runApiPaths.plan:
        return take(
          PlanBody,
          body,
          'the plan',
          plan &&
            (async ({ text }) => taken(await plan(text), 'The plan was taken. Stop here; it is reviewed.')),
        );
      case runApiPaths.review:
        return take(
          ReviewBody,
          body,
          'the review',
          review && (async (given) => taken(await review(given), 'The review was taken.')),
        );
      case runApiPaths.ask:
        return take(AskBody, body, 'the question', reports.ask && ask);
      case runApiPaths.wikiSearch:
        return take(SearchBody, body, 'the search', reports.search && search);
      case runApiPaths.wikiWrite:
        return take(
          TextBody,
          body,
          'the request',
          wikiWrite && (async ({ text }) => taken(await wikiWrite(text), 'The librarian is asked.')),
        );
      case runApiPaths.checkpoint:
        return take(
          HandoffContext,
          body,
          'the handoff',
          checkpoint && (async (given) => taken(await checkpoint(given), 'The handoff was kept.')),
        );
      case runApiPaths.callback:
        return takeCallback(body);
      case runApiPaths.result:
        return takeResult(readResult(body, run.ticket));
      case runApiPaths.verdict:
        return takeVerdict(body);
      case runApiPaths.guard:
        return takeHook(body);
      case runApiPaths.progress:
        return takeText(body, (text) => reports.progress(text), 'Noted.');
      default:
        return takeText(body, (text) => reports.comment(text), 'Noted.');
    }
  };

  const reply = async (request: IncomingMessage, pathname: string): Promise<Reply> => {
    if (!(pathname === runApiPaths.guard ? hooks : bucket).take())
      return refusal('rate-limited', 'Too many calls on this socket.', 'Wait a second, then try again.');
    const call = callOf[pathname];
    if (call === undefined) {
      return refusal(
        'forbidden',
        'A run can report and ask; only the operator can do that.',
        'The operator has doors of their own.',
      );
    }
    if (call !== 'guard' && !run.calls.includes(call)) {
      return refusal(
        'forbidden',
        `The contract of ${run.role} does not allow "${call}".`,
        `It allows: ${run.calls.join(', ')}.`,
      );
    }
    const method = pathname === runApiPaths.brief ? 'GET' : 'POST';
    if (request.method !== method) return refusal('method-not-allowed', `${pathname} takes ${method}.`, '');
    if (!NOT_KEPT.has(call) && (kept += 1) > limits.keptCalls)
      return refusal(
        'rate-limited',
        `This run has said all that one run may, ${limits.keptCalls} things.`,
        'End it.',
      );
    if (method === 'GET') return { status: 200, body: { brief: reports.brief(), calls: run.calls } };
    const reading = await readBody(request, limits.apiBodyBytes);
    if (!reading.ok && reading.reason === 'too-large') {
      return refusal('too-large', `A body may have ${limits.apiBodyBytes} bytes at most.`, 'Send less.');
    }
    const json = reading.ok ? parseJson(reading.bytes) : undefined;
    if (json === undefined)
      return refusal('invalid-content', 'The body is no JSON.', 'Send one JSON object in UTF-8.');
    if (typeof json.value !== 'object' || json.value === null || Array.isArray(json.value)) {
      return refusal('invalid-content', 'The body is no JSON object.', 'Send one JSON object in UTF-8.');
    }
    return route(pathname, json.value);
  };

  return {
    async handle(request, response, pathname) {
      const { status, body } = await reply(request, pathname).catch(() =>
        refusal(
          'fault',
          'The core could not take this; nothing was recorded.',
          'Try again; the operator sees the fault.',
        ),
      );
      send(response, status, body);
    },
  };
}

/** Answers with JSON. After a refusal the connection ends, for a body that was not read would be taken for the next request. */
export function send(response: ServerResponse, status: number, body: unknown): void {
  if (response.headersSent || response.destroyed) return;
  const headers: Record<string, string> = { 'content-type': 'application/json; charset=utf-8' };
  if (status >= 400) headers['connection'] = 'close';
  if (status === 429) headers['retry-after'] = '1';
  response.writeHead(status, headers);
  response.end(JSON.stringify(body));
}

/** A refusal in the form of `RunApiError`. */
export function refusal(code: RunApiErrorCode, message: string, hint: string): Reply {
  return { status: statusOf[code], body: { error: { code, message, hint } } };
}

function taken(result: Result<unknown>, message: string): Reply {
  if (result.ok) return { status: 200, body: { ok: true, message } };
  const { failure } = result;
  return refusal(codeOf(failure.code), failure.message, failure.hint);
}

function codeOf(code: FailureCode): RunApiErrorCode {
  if (code === 'not-authorized') return 'forbidden';
  if (code === 'not-found') return 'not-found';
  if (code === 'invalid-input') return 'invalid-report';
  return code === 'fault' || code === 'disk' ? 'fault' : 'refused';
}

function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

function shorten(text: string): string {
  return JSON.stringify(text.slice(0, 60));
}
