import { randomUUID } from 'node:crypto';
import { askOf, inputTokens, readClaudeMessage, resultText } from './claude-messages.ts';
import type { ClaudeBlock, ClaudeMessage, ClaudeResult } from './claude-messages.ts';
import type { DriveHooks, LaunchedProcess, RuntimeOutcome, Task } from './port.ts';
import { supervise } from './supervise.ts';
import type { Conversation, Supervision } from './supervise.ts';
import { isTransientFault } from './transient.ts';
import { Turn } from './turn.ts';

/**
 * Drives Claude Code over its host protocol. Every call comes to a hook of ours first, and a call that was carried out without a
 * decision ends the run. What answers the hook says allow in so many words: silence would leave it to the program's own rules.
 */
export function driveClaude(
  process: LaunchedProcess,
  task: Task,
  hooks: DriveHooks,
): Promise<RuntimeOutcome> {
  return supervise(process, hooks, (supervision) => new ClaudeConversation(process, task, supervision));
}

function send(process: LaunchedProcess, message: Record<string, unknown>): void {
  process.stdin.write(`${JSON.stringify(message)}\n`);
}

/** The first comes back when the brief arrives, before the model is asked anything. */
type HookEvent = 'UserPromptSubmit' | 'PreToolUse';

class ClaudeConversation implements Conversation {
  readonly outcome: Promise<RuntimeOutcome>;
  readonly #turn: Turn;
  readonly #process: LaunchedProcess;
  readonly #task: Task;
  readonly #supervision: Supervision;
  /** What the program must come back with: it shows that a callback is one of the hooks that this conversation set. */
  readonly #nonce = randomUUID();
  #checkedIn = false;
  #session = '';
  #lastInput = 0;
  #prompted = false;

  constructor(process: LaunchedProcess, task: Task, supervision: Supervision) {
    this.#process = process;
    this.#task = task;
    this.#supervision = supervision;
    this.#turn = new Turn(process, supervision, 'every-call');
    this.outcome = this.#turn.outcome;
    this.#turn.readLines((line) => this.#take(line));
    const hook = (event: HookEvent) => ({ hookCallbackIds: [this.#callback(event)], onFailure: 'block' });
    const request = {
      subtype: 'initialize',
      hooks: {
        UserPromptSubmit: [hook('UserPromptSubmit')],
        PreToolUse: [{ matcher: '*', ...hook('PreToolUse') }],
      },
    };
    send(process, { type: 'control_request', request_id: 'initialize', request });
  }

  /** Asks the agent to end its turn; before it has one there is nothing to end but the process. */
  async interrupt(): Promise<void> {
    if (!this.#prompted) return await this.#process.stop();
    send(this.#process, {
      type: 'control_request',
      request_id: 'interrupt',
      request: { subtype: 'interrupt' },
    });
  }

  #callback(event: HookEvent): string {
    return `${event}:${this.#nonce}`;
  }

  /** False for a line that is no message. */
  #take(line: string): boolean {
    const message = readClaudeMessage(line);
    if (message !== null) this.#hear(message);
    return message !== null;
  }

  #hear(message: ClaudeMessage): void {
    switch (message.type) {
      case 'control_request':
        void this.#answer(message);
        return;
      case 'control_response':
        this.#prompt(message);
        return;
      case 'assistant':
        this.#takeAssistant(message);
        return;
      case 'user':
        if (typeof message.message.content !== 'string')
          for (const block of message.message.content) this.#takeResult(block);
        return;
      case 'system':
        this.#takeSystem(message);
        return;
      case 'result':
        this.#takeEnd(message);
        return;
      case 'unknown':
    }
  }

  /** The brief is sent when the hook is in place, never before. */
  #prompt(message: Extract<ClaudeMessage, { type: 'control_response' }>): void {
    if (message.response.request_id !== 'initialize') return;
    if (message.response.subtype !== 'success') {
      this.#turn.end(
        'failed',
        `The agent program did not take the guard's hook: ${message.response.error ?? 'no reason given'}.`,
      );
      return;
    }
    this.#prompted = true;
    const content = { role: 'user', content: this.#task.prompt };
    send(this.#process, { type: 'user', message: content, parent_tool_use_id: null, session_id: '' });
  }

  async #answer(message: Extract<ClaudeMessage, { type: 'control_request' }>): Promise<void> {
    const { request, request_id } = message;
    const succeed = (response: Record<string, unknown>): void =>
      send(this.#process, {
        type: 'control_response',
        response: { subtype: 'success', request_id, response },
      });
    if (request.subtype === 'unknown') {
      const error = `Atrium does not answer ${request.named}.`;
      send(this.#process, { type: 'control_response', response: { subtype: 'error', request_id, error } });
      return;
    }
    if (request.subtype === 'can_use_tool') {
      const ask = askOf(request.tool_name, request.input);
      const { decision, reason } = await this.#turn.calls.decide(request.tool_use_id, ask);
      succeed(
        decision === 'allow'
          ? { behavior: 'allow', updatedInput: request.input }
          : { behavior: 'deny', message: reason },
      );
      return;
    }
    const { callback_id, input } = request;
    if (callback_id === this.#callback('UserPromptSubmit')) this.#checkedIn = true;
    if (callback_id !== this.#callback('PreToolUse') || !('tool_use_id' in input)) {
      succeed({});
      return;
    }
    const ask = askOf(input.tool_name, input.tool_input);
    const { decision, reason } = await this.#turn.calls.decide(input.tool_use_id, ask);
    succeed({
      hookSpecificOutput: {
        hookEventName: 'PreToolUse',
        permissionDecision: decision,
        permissionDecisionReason: reason,
      },
    });
  }

  #takeSystem(message: Extract<ClaudeMessage, { type: 'system' }>): void {
    if (message.subtype === 'init') {
      if (this.#session !== message.session_id)
        this.#supervision.tell({ kind: 'session', id: message.session_id });
      this.#session = message.session_id;
      return;
    }
    this.#supervision.tell({
      kind: 'note',
      text: `The model could not be reached (${message.error ?? 'unknown'}); attempt ${message.attempt} of ${message.max_retries}.`,
    });
  }

  #takeAssistant(message: Extract<ClaudeMessage, { type: 'assistant' }>): void {
    if (!this.#checkedIn) {
      this.#turn.end('failed', "The guard's hook did not check in before the agent began; it was ended.");
      return;
    }
    const ofSubagent = typeof message.parent_tool_use_id === 'string';
    if (message.message.usage !== undefined && !ofSubagent) {
      this.#lastInput = inputTokens(message.message.usage) || this.#lastInput;
    }
    for (const block of message.message.content) {
      if (block.type === 'text') {
        const kind = message.is_api_error_message === true ? 'error' : ofSubagent ? 'note' : 'text';
        this.#supervision.tell({ kind, text: block.text });
      }
      if (block.type === 'thinking') this.#supervision.tell({ kind: 'thought', text: block.thinking });
      if (block.type === 'tool_use') this.#turn.calls.describe(block.id, askOf(block.name, block.input));
    }
  }

  #takeResult(block: ClaudeBlock): void {
    if (block.type !== 'tool_result') return;
    const state = block.is_error === true ? 'failed' : 'done';
    this.#turn.calls.settle(block.tool_use_id, state, resultText(block.content));
  }

  #takeEnd(result: ClaudeResult): void {
    const window = Math.max(0, ...Object.values(result.modelUsage).map((model) => model.contextWindow ?? 0));
    this.#supervision.tell({
      kind: 'usage',
      inputTokens: inputTokens(result.usage),
      outputTokens: result.usage.output_tokens,
      contextUsed: window > 0 ? Math.min(1, this.#lastInput / window) : null,
    });
    if (!result.is_error && result.subtype === 'success') {
      this.#turn.end(...endInWords(result.stop_reason ?? 'end_turn'));
      return;
    }
    const said = result.result ?? result.errors?.join('; ') ?? result.subtype;
    const transient = isTransientFault(result.api_error_status ?? null, said);
    this.#turn.fault(said, transient);
  }
}

function endInWords(stopReason: string): ['done' | 'failed', string] {
  if (stopReason === 'refusal') return ['failed', 'The model refused the task.'];
  if (stopReason === 'max_tokens') {
    return ['failed', "The agent's answer was cut off: it reached the model's limit of tokens."];
  }
  return ['done', 'The agent ended its turn.'];
}
