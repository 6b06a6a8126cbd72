import { Readable, Writable } from 'node:stream';
import { PROTOCOL_VERSION, RequestError, client, methods, ndJsonStream } from '@agentclientprotocol/sdk';
import type {
  ClientConnection,
  NewSessionRequest,
  PermissionOption,
  PromptResponse,
  SessionUpdate,
  StopReason,
  ToolCall,
  ToolCallUpdate,
} from '@agentclientprotocol/sdk';
import { z } from 'zod';
import { AcpRequests, contentText, eventOf } from './acp-events.ts';
import type { Calls } from './calls.ts';
import type { LaunchedProcess, Runtime, Task } from './port.ts';
import { messageOf, supervise } from './supervise.ts';
import type { Conversation, Supervision } from './supervise.ts';
import { isTransientFault } from './transient.ts';
import { Turn } from './turn.ts';

/** Where the checkout is inside the walls. */
const checkout = '/work';

/** Tokens of a turn as Gemini CLI tells them beside its answer. */
const QuotaMeta = z.object({
  quota: z.object({ token_count: z.object({ input_tokens: z.number(), output_tokens: z.number() }) }),
});

/** Tokens of a turn as other agents tell them. */
const Usage = z.object({ usage: z.object({ inputTokens: z.number(), outputTokens: z.number() }) });

/**
 * Drives an agent program that speaks the Agent Client Protocol on its stdio: one session in the checkout, one prompt. No file and
 * no terminal methods are offered, so that the agent works by itself, inside its walls; what it asks leave for is decided.
 *
 * @param asks whether the program was made to ask before every call; see `Calls`
 * @param refused whether a call that is reported as completed is one that the program itself refused to carry out
 */
export function acpDriver(
  asks: 'every-call' | 'some-calls',
  refused: (call: ToolCall | ToolCallUpdate) => boolean = () => false,
): Runtime['drive'] {
  return (process, task, hooks) =>
    supervise(process, hooks, (supervision) => converse(process, task, supervision, { asks, refused }));
}

interface Manners {
  asks: 'every-call' | 'some-calls';
  refused(call: ToolCall | ToolCallUpdate): boolean;
}

function converse(
  process: LaunchedProcess,
  task: Task,
  supervision: Supervision,
  manners: Manners,
): Conversation {
  const turn = new Turn(process, supervision, manners.asks);
  const session = new Session(supervision, turn.calls, manners.refused);
  const connection = connect(process, supervision, session);
  let opened: string | null = null;
  const prompt = async (): Promise<void> => {
    const sessionId = await open(connection, task, supervision);
    opened = sessionId;
    session.listening = true;
    supervision.tell({ kind: 'session', id: sessionId });
    const answer = await connection.agent.request(methods.agent.session.prompt, {
      sessionId,
      prompt: [{ type: 'text', text: task.prompt }],
    });
    tellUsage(answer, supervision);
    // What the last calls amount to is decided before an end is believed.
    await session.settled();
    turn.end(...endInWords(answer.stopReason));
  };
  const failed = async (error: unknown): Promise<void> => {
    // A connection that closed says less than the exit of the program behind it.
    if (!(error instanceof RequestError)) return;
    const text = faultInWords(error);
    supervision.tell({ kind: 'error', text });
    await session.settled();
    turn.fault(text, isTransientFault(error.code, text));
  };
  turn.endWithProcess(() => session.settled());
  void prompt().catch(failed);
  return {
    outcome: turn.outcome.finally(() => connection.close()),
    /** Asks the agent to end its turn; before it has one there is nothing to end but the process. */
    interrupt: () =>
      opened === null
        ? process.stop()
        : connection.agent.notify(methods.agent.session.cancel, { sessionId: opened }),
  };
}

/** A session in the checkout: the one to go on with where the agent can, else a new one. */
async function open(connection: ClientConnection, task: Task, supervision: Supervision): Promise<string> {
  const { agentCapabilities } = await connection.agent.request(methods.agent.initialize, {
    protocolVersion: PROTOCOL_VERSION,
    clientInfo: { name: 'atrium', title: 'Atrium', version: '0' },
    clientCapabilities: {},
  });
  const place: NewSessionRequest = { cwd: checkout, mcpServers: serversOf(task) };
  if (task.session !== null) {
    if (agentCapabilities?.sessionCapabilities?.resume) {
      await connection.agent.request(methods.agent.session.resume, { sessionId: task.session, ...place });
      return task.session;
    }
    supervision.tell({ kind: 'note', text: 'The agent cannot go on with a session; it begins a new one.' });
  }
  return (await connection.agent.request(methods.agent.session.new, place)).sessionId;
}

function serversOf({ tools }: Task): NewSessionRequest['mcpServers'] {
  if (tools === null) return [];
  const env = Object.entries(tools.environment).map(([name, value]) => ({ name, value }));
  return [{ name: tools.name, command: tools.command, args: tools.args, env }];
}

/** What the agent tells of its session. Before it listens, that is the past of a session that was taken up again. */
class Session {
  listening = false;
  readonly requests = new AcpRequests();
  readonly calls: Calls;
  readonly #supervision: Supervision;
  readonly #refused: Manners['refused'];
  #work: Promise<unknown> = Promise.resolve();

  constructor(supervision: Supervision, calls: Calls, refused: Manners['refused']) {
    this.#supervision = supervision;
    this.calls = calls;
    this.#refused = refused;
  }

  take(update: SessionUpdate): void {
    if (!this.listening) return;
    if (update.sessionUpdate !== 'tool_call' && update.sessionUpdate !== 'tool_call_update') {
      const event = eventOf(update);
      if (event !== null) this.#supervision.tell(event);
      return;
    }
    const id = update.toolCallId;
    this.calls.describe(id, this.requests.take(update));
    if (update.status === 'in_progress' || update.status === 'completed') {
      const seen = this.calls.seen(id);
      this.#work = Promise.all([this.#work, seen]);
    }
    if (update.status === 'completed' || update.status === 'failed') {
      const state = update.status === 'completed' && !this.#refused(update) ? 'done' : 'failed';
      this.calls.settle(id, state, contentText(update.content ?? []));
    }
  }

  /** Resolves when every call that was seen has been decided on. */
  async settled(): Promise<void> {
    await this.#work;
  }
}

function connect(process: LaunchedProcess, supervision: Supervision, session: Session): ClientConnection {
  const stream = ndJsonStream(
    Writable.toWeb(process.stdin) as WritableStream<Uint8Array>,
    Readable.toWeb(supervision.stdout) as ReadableStream<Uint8Array>,
  );
  return client({ name: 'atrium' })
    .onNotification(methods.client.session.update, ({ params }) => session.take(params.update))
    .onRequest(methods.client.session.requestPermission, async ({ params }) => {
      if (supervision.ending()) return { outcome: { outcome: 'cancelled' } };
      const request = session.requests.take(params.toolCall);
      const { decision } = await session.calls.decide(params.toolCall.toolCallId, request);
      const option = choose(params.options, decision);
      if (option === undefined) return { outcome: { outcome: 'cancelled' } };
      return { outcome: { outcome: 'selected', optionId: option.optionId } };
    })
    .connect(stream);
}

/** Once and no more: an answer that lasts would take the next call out of the guard's sight. */
function choose(options: PermissionOption[], decision: 'allow' | 'deny'): PermissionOption | undefined {
  return options.find((option) => option.kind === (decision === 'allow' ? 'allow_once' : 'reject_once'));
}

function tellUsage(answer: PromptResponse, supervision: Supervision): void {
  const quota = QuotaMeta.safeParse(answer._meta);
  const usage = Usage.safeParse(answer);
  const tokens = quota.success
    ? [quota.data.quota.token_count.input_tokens, quota.data.quota.token_count.output_tokens]
    : usage.success
      ? [usage.data.usage.inputTokens, usage.data.usage.outputTokens]
      : null;
  if (tokens === null) return;
  const [inputTokens = 0, outputTokens = 0] = tokens;
  supervision.tell({ kind: 'usage', inputTokens, outputTokens, contextUsed: null });
}

function endInWords(reason: StopReason): ['done' | 'failed', string] {
  switch (reason) {
    case 'end_turn':
      return ['done', 'The agent ended its turn.'];
    case 'max_tokens':
      return ['failed', "The agent's answer was cut off: it reached the model's limit of tokens."];
    case 'max_turn_requests':
      return ['failed', 'The agent reached its limit of requests in one turn, or went round in a loop.'];
    case 'refusal':
      return ['failed', 'The model refused the task.'];
    case 'cancelled':
      return ['failed', 'The agent ended its turn as cancelled.'];
  }
}

function faultInWords(error: RequestError): string {
  const { data } = error;
  const details =
    typeof data === 'object' && data !== null && 'details' in data ? `: ${messageOf(data.details)}` : '';
  return `${error.message}${details} (${error.code})`;
}
