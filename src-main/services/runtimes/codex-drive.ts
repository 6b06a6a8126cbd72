import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import {
  cameOf,
  CodexAsk,
  CodexNotification,
  CodexToolAsk,
  isCall,
  isLook,
  requestOf,
  spoken,
  statusOf,
} from './codex-messages.ts';
import type { CodexItem } from './codex-messages.ts';
import { AnswerError, JsonLines } from './json-lines.ts';
import type { DriveHooks, LaunchedProcess, RuntimeOutcome, Task } from './port.ts';
import { messageOf, supervise } from './supervise.ts';
import type { Conversation, Supervision } from './supervise.ts';
import { isTransientFault } from './transient.ts';
import { Turn } from './turn.ts';

/** Where the checkout is inside the walls. */
const checkout = '/work';

/**
 * Every command and every change is asked of us, and of no model of the program's own; its own sandbox is off, because the walls
 * stand around all of it.
 */
const terms = {
  cwd: checkout,
  approvalPolicy: 'untrusted',
  approvalsReviewer: 'user',
  sandbox: 'danger-full-access',
} as const;

/** What the program says of the terms that it works under. */
const Opened = z.object({
  thread: z.object({ id: z.string() }),
  approvalPolicy: z.unknown(),
  approvalsReviewer: z.unknown(),
});

/** Drives Codex over the protocol of its app server. */
export function driveCodex(process: LaunchedProcess, task: Task, hooks: DriveHooks): Promise<RuntimeOutcome> {
  return supervise(process, hooks, (supervision) => new CodexConversation(process, task, supervision));
}

class CodexConversation implements Conversation {
  readonly outcome: Promise<RuntimeOutcome>;
  readonly #turn: Turn;
  readonly #process: LaunchedProcess;
  readonly #task: Task;
  readonly #supervision: Supervision;
  readonly #lines: JsonLines;
  /** Calls of servers' tools that have begun and for which no leave was asked yet. */
  #unasked: Extract<CodexItem, { type: 'mcpToolCall' }>[] = [];
  /** The turn as the program names it, once it has begun. */
  #begun: { thread: string; id: string } | null = null;

  constructor(process: LaunchedProcess, task: Task, supervision: Supervision) {
    this.#process = process;
    this.#task = task;
    this.#supervision = supervision;
    this.#turn = new Turn(process, supervision, 'every-call');
    this.outcome = this.#turn.outcome;
    this.#lines = new JsonLines(process, {
      onNotification: (method, params) => this.#hear(method, params),
      onRequest: (method, params) => this.#answer(method, params),
    });
    this.#turn.readLines((line) => this.#lines.take(line));
    void this.#begin().catch((error: unknown) => {
      const code = error instanceof AnswerError ? error.code : null;
      const text = messageOf(error);
      this.#turn.fault(text, isTransientFault(code, text));
    });
  }

  /** Asks the agent to end its turn; before it has one there is nothing to end but the process. */
  async interrupt(): Promise<void> {
    if (this.#begun === null) return await this.#process.stop();
    const { thread: threadId, id: turnId } = this.#begun;
    await this.#lines.request('turn/interrupt', { threadId, turnId }, z.unknown());
  }

  async #begin(): Promise<void> {
    const { model, prompt, session } = this.#task;
    const clientInfo = { name: 'atrium', title: 'Atrium', version: '0' };
    await this.#lines.request('initialize', { clientInfo }, z.unknown());
    this.#lines.notify('initialized');
    const given = { ...terms, ...(model === null ? {} : { model }) };
    const opened =
      session === null
        ? await this.#lines.request('thread/start', given, Opened)
        : await this.#lines.request(
            'thread/resume',
            { threadId: session, ...given, excludeTurns: true },
            Opened,
          );
    // The brief is sent when the program has said that it asks, never before.
    if (
      opened.approvalPolicy !== terms.approvalPolicy ||
      opened.approvalsReviewer !== terms.approvalsReviewer
    ) {
      const said = JSON.stringify([opened.approvalPolicy, opened.approvalsReviewer]);
      this.#turn.end('failed', `The agent program does not ask before each call: it said ${said}.`);
      return;
    }
    const threadId = opened.thread.id;
    this.#supervision.tell({ kind: 'session', id: threadId });
    const input = [{ type: 'text', text: prompt, text_elements: [] }];
    const Started = z.object({ turn: z.object({ id: z.string() }) });
    const { turn } = await this.#lines.request('turn/start', { threadId, input }, Started);
    this.#begun = { thread: threadId, id: turn.id };
  }

  async #answer(method: string, params: unknown): Promise<unknown> {
    if (method === 'mcpServer/elicitation/request') return this.#answerTool(params);
    const asked = CodexAsk.safeParse(params);
    const known = /^item\/(commandExecution|fileChange)\/requestApproval$/.test(method);
    if (!known || !asked.success) throw new Error(`Atrium does not answer ${method}.`);
    if (this.#supervision.ending()) return { decision: 'cancel' };
    const { itemId, command } = asked.data;
    const request = this.#turn.calls.described(itemId) ?? {
      tool: 'shell',
      kind: 'execute',
      paths: [],
      text: spoken(command ?? ''),
    };
    const { decision } = await this.#turn.calls.decide(itemId, request);
    return { decision: decision === 'allow' ? 'accept' : 'decline' };
  }

  /** Leave for a call of a server's tool: of the first like it that has begun and was not asked for. Servers ask nothing else. */
  async #answerTool(params: unknown): Promise<unknown> {
    const refused = { action: 'decline', content: null, _meta: null };
    const asked = CodexToolAsk.safeParse(params);
    if (!asked.success || this.#supervision.ending()) return refused;
    const { serverName, _meta } = asked.data;
    const index = this.#unasked.findIndex(
      (call) =>
        call.server === serverName &&
        call.tool === _meta.tool_name &&
        isDeepStrictEqual(call.arguments, _meta.tool_params),
    );
    const [call] = index < 0 ? [] : this.#unasked.splice(index, 1);
    if (call === undefined) return refused;
    const { decision } = await this.#turn.calls.decide(call.id, requestOf(call));
    return decision === 'allow' ? { action: 'accept', content: {}, _meta: null } : refused;
  }

  #hear(method: string, params: unknown): void {
    if (!(method in CodexNotification)) return;
    const heard = method as keyof typeof CodexNotification;
    const parsed = CodexNotification[heard].safeParse(params);
    if (!parsed.success) return;
    this.#take({ method: heard, params: parsed.data } as Heard);
  }

  #take({ method, params }: Heard): void {
    switch (method) {
      case 'item/started':
        if (isCall(params.item)) this.#turn.calls.describe(params.item.id, requestOf(params.item));
        if (params.item.type !== 'mcpToolCall') return;
        if (isLook(params.item)) void this.#turn.calls.decideLate(params.item.id);
        else this.#unasked.push(params.item);
        return;
      case 'item/completed':
        this.#takeItem(params.item);
        return;
      case 'item/agentMessage/delta':
        this.#supervision.tell({ kind: 'text', text: params.delta });
        return;
      case 'turn/plan/updated':
        this.#supervision.tell({
          kind: 'plan',
          text: params.plan.map(({ step, status }) => `[${status}] ${step}`).join('\n'),
        });
        return;
      case 'thread/tokenUsage/updated': {
        // A session that was taken up again begins with what its past took.
        if (this.#begun !== null && params.turnId !== this.#begun.id) return;
        if (this.#begun === null && this.#task.session !== null) return;
        const { last, modelContextWindow } = params.tokenUsage;
        this.#supervision.tell({
          kind: 'usage',
          inputTokens: last.inputTokens,
          outputTokens: last.outputTokens,
          contextUsed: modelContextWindow ? Math.min(1, last.totalTokens / modelContextWindow) : null,
        });
        return;
      }
      case 'error': {
        const kind = params.willRetry ? 'note' : 'error';
        this.#supervision.tell({ kind, text: params.error.message });
        return;
      }
      case 'warning':
        this.#supervision.tell({ kind: 'note', text: params.message });
        return;
      case 'turn/completed': {
        const { status, error } = params.turn;
        if (status === 'completed') {
          this.#turn.end('done', 'The agent ended its turn.');
          return;
        }
        const said = error?.message ?? `its turn ended as ${status}`;
        this.#turn.fault(said, isTransientFault(statusOf(error?.codexErrorInfo), said));
      }
    }
  }

  #takeItem(item: CodexItem): void {
    if (item.type === 'plan') this.#supervision.tell({ kind: 'plan', text: item.text });
    if (item.type === 'reasoning') {
      const text = (item.content.length > 0 ? item.content : item.summary).join('\n');
      if (text !== '') this.#supervision.tell({ kind: 'thought', text });
    }
    if (!isCall(item)) return;
    this.#turn.calls.describe(item.id, requestOf(item));
    const carriedOut =
      item.status === 'completed' || (item.type === 'commandExecution' && typeof item.exitCode === 'number');
    this.#turn.calls.settle(item.id, carriedOut ? 'done' : 'failed', cameOf(item) || (item.status ?? ''));
  }
}

type Heard = {
  [M in keyof typeof CodexNotification]: { method: M; params: z.output<(typeof CodexNotification)[M]> };
}[keyof typeof CodexNotification];
