import { Readable, Writable } from 'node:stream';
import { PROTOCOL_VERSION, RequestError, client, methods, ndJsonStream } from '@agentclientprotocol/sdk';
import type {
  ClientConnection,
  PermissionOption,
  PromptResponse,
  StopReason,
} from '@agentclientprotocol/sdk';
import { z } from 'zod';
import { AcpEvents } from './acp-events.ts';
import type { DriveHooks, LaunchedProcess, RuntimeOutcome, Task } from './port.ts';
import { exitInWords, messageOf, supervise } from './supervise.ts';
import type { Supervision } from './supervise.ts';
import { isTransientFault } from './transient.ts';

/** Where the checkout is inside the walls. */
const checkout = '/work';

/** Tokens of a turn as Gemini CLI tells them beside its answer. */
const QuotaMeta = z.object({
  quota: z.object({ token_count: z.object({ input_tokens: z.number(), output_tokens: z.number() }) }),
});

/**
 * Drives an agent program that speaks the Agent Client Protocol on its stdio: one session in the checkout, one prompt. No file and
 * no terminal methods are offered, so that the agent works by itself, inside its walls; what it asks leave for is decided.
 */
export function driveAcp(process: LaunchedProcess, task: Task, hooks: DriveHooks): Promise<RuntimeOutcome> {
  let cancel: (() => Promise<void>) | undefined;
  const whenOpen = (interrupt: () => Promise<void>): void => {
    cancel = interrupt;
  };
  return supervise(
    process,
    hooks,
    (supervision) => converse(process, task, supervision, whenOpen),
    () => cancel?.() ?? process.stop(),
  );
}

async function converse(
  process: LaunchedProcess,
  task: Task,
  supervision: Supervision,
  whenOpen: (interrupt: () => Promise<void>) => void,
): Promise<RuntimeOutcome> {
  const connection = connect(process, supervision);
  const outcome = (end: 'done' | 'failed', reason: string, transient = false): RuntimeOutcome => ({
    outcome: end,
    reason,
    transient,
    finalText: supervision.finalText(),
  });
  const gone = process.exited.then((exit): RuntimeOutcome => {
    const tail = supervision.lastStderr();
    return outcome(
      'failed',
      `The agent program ${exitInWords(exit)} in the middle of its turn.${tail === '' ? '' : ` Last lines: ${tail}`}`,
    );
  });
  const turn = async (): Promise<RuntimeOutcome> => {
    await connection.agent.request(methods.agent.initialize, {
      protocolVersion: PROTOCOL_VERSION,
      clientInfo: { name: 'atrium', title: 'Atrium', version: '0' },
      clientCapabilities: {},
    });
    const session = await connection.agent.request(methods.agent.session.new, {
      cwd: checkout,
      mcpServers: [],
    });
    const sessionId = session.sessionId;
    whenOpen(() => connection.agent.notify(methods.agent.session.cancel, { sessionId }));
    const answer = await connection.agent.request(methods.agent.session.prompt, {
      sessionId,
      prompt: [{ type: 'text', text: task.prompt }],
    });
    tellUsage(answer, supervision);
    return outcome(...endInWords(answer.stopReason));
  };
  const failed = async (error: unknown): Promise<RuntimeOutcome> => {
    // A connection that closed says less than the exit of the program behind it.
    if (!(error instanceof RequestError)) return await gone;
    const text = faultInWords(error);
    supervision.tell({ kind: 'error', text });
    return outcome('failed', `The agent reported an error: ${text}`, isTransientFault(error.code, text));
  };
  try {
    return await Promise.race([turn().catch(failed), gone]);
  } finally {
    connection.close();
  }
}

function connect(process: LaunchedProcess, supervision: Supervision): ClientConnection {
  const events = new AcpEvents();
  const stream = ndJsonStream(
    Writable.toWeb(process.stdin) as WritableStream<Uint8Array>,
    Readable.toWeb(supervision.stdout) as ReadableStream<Uint8Array>,
  );
  return client({ name: 'atrium' })
    .onNotification(methods.client.session.update, ({ params }) => {
      for (const event of events.ofUpdate(params.update)) supervision.tell(event);
    })
    .onRequest(methods.client.session.requestPermission, async ({ params }) => {
      if (supervision.ending()) return { outcome: { outcome: 'cancelled' } };
      const { decision } = await supervision.decide(events.ofRequest(params));
      const option = choose(params.options, decision);
      if (option === undefined) return { outcome: { outcome: 'cancelled' } };
      if (decision === 'allow') for (const event of events.started(params.toolCall)) supervision.tell(event);
      return { outcome: { outcome: 'selected', optionId: option.optionId } };
    })
    .connect(stream);
}

/** Once and no more: an answer that lasts would take the next call out of the guard's sight. */
function choose(options: PermissionOption[], decision: 'allow' | 'deny'): PermissionOption | undefined {
  return options.find((option) => option.kind === (decision === 'allow' ? 'allow_once' : 'reject_once'));
}

function tellUsage(answer: PromptResponse, supervision: Supervision): void {
  const meta = QuotaMeta.safeParse(answer._meta);
  if (!meta.success) return;
  const tokens = meta.data.quota.token_count;
  supervision.tell({
    kind: 'usage',
    inputTokens: tokens.input_tokens,
    outputTokens: tokens.output_tokens,
    contextUsed: null,
  });
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
