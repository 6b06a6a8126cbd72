import { askOf, inputTokens, readClaudeMessage, resultText } from './claude-messages.ts';
import type { ClaudeBlock, ClaudeMessage, ClaudeResult } from './claude-messages.ts';
import type { DriveHooks, LaunchedProcess, PermissionDecision, RuntimeOutcome, Task } from './port.ts';
import { exitInWords, readLines, supervise } from './supervise.ts';
import type { Supervision } from './supervise.ts';
import { isTransientFault } from './transient.ts';

const keptText = 4_000;

/**
 * Drives Claude Code over its host protocol. Every call comes to a hook of ours first, and a call that was carried out without a
 * decision ends the run. What answers the hook says allow in so many words: silence would leave it to the program's own rules.
 */
export function driveClaude(
  process: LaunchedProcess,
  task: Task,
  hooks: DriveHooks,
): Promise<RuntimeOutcome> {
  let conversation: Conversation | undefined;
  return supervise(
    process,
    hooks,
    (supervision) => {
      conversation = new Conversation(process, task, supervision);
      return conversation.outcome;
    },
    () => conversation?.interrupt() ?? process.stop(),
  );
}

function send(process: LaunchedProcess, message: Record<string, unknown>): void {
  process.stdin.write(`${JSON.stringify(message)}\n`);
}

class Conversation {
  readonly outcome: Promise<RuntimeOutcome>;
  readonly #process: LaunchedProcess;
  readonly #task: Task;
  readonly #supervision: Supervision;
  readonly #decisions = new Map<string, Promise<PermissionDecision>>();
  readonly #calls = new Map<string, { tool: string; title: string; paths: string[] }>();
  #lastInput = 0;
  #prompted = false;
  #end: (outcome: RuntimeOutcome) => void = () => undefined;

  constructor(process: LaunchedProcess, task: Task, supervision: Supervision) {
    this.#process = process;
    this.#task = task;
    this.#supervision = supervision;
    this.outcome = new Promise((resolve) => {
      this.#end = resolve;
    });
    const read = readLines(supervision.stdout, (line) => this.#take(line));
    void process.exited.then(async (exit) => {
      await process.stop();
      await read;
      const tail = supervision.lastStderr();
      const lines = tail === '' ? '' : ` Last lines: ${tail}`;
      this.#finish('failed', `The agent program ${exitInWords(exit)} in the middle of its turn.${lines}`);
    });
    const hook = { matcher: '*', hookCallbackIds: ['guard'], onFailure: 'block' };
    const request = { subtype: 'initialize', hooks: { PreToolUse: [hook] } };
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

  #take(line: string): void {
    const message = readClaudeMessage(line);
    if (message === null) {
      if (line.trim() !== '') this.#supervision.tell({ kind: 'stdout', text: `${line}\n` });
      return;
    }
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
        this.#supervision.tell({
          kind: 'note',
          text: `The model could not be reached (${message.error ?? 'unknown'}); attempt ${message.attempt} of ${message.max_retries}.`,
        });
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
      this.#finish(
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
    if (request.subtype === 'unknown') {
      const error = `Atrium does not answer ${request.named}.`;
      send(this.#process, { type: 'control_response', response: { subtype: 'error', request_id, error } });
      return;
    }
    const hooked = request.subtype === 'hook_callback';
    const call = hooked
      ? { id: request.input.tool_use_id, tool: request.input.tool_name, input: request.input.tool_input }
      : { id: request.tool_use_id, tool: request.tool_name, input: request.input };
    const { decision, reason } = await this.#decide(call);
    const ofHook = {
      hookEventName: 'PreToolUse',
      permissionDecision: decision,
      permissionDecisionReason: reason,
    };
    const ofAsking =
      decision === 'allow'
        ? { behavior: 'allow', updatedInput: call.input }
        : { behavior: 'deny', message: reason };
    const response = hooked ? { hookSpecificOutput: ofHook } : ofAsking;
    send(this.#process, { type: 'control_response', response: { subtype: 'success', request_id, response } });
  }

  /** One decision a call, whichever way and however often it is asked for. */
  #decide(call: { id: string; tool: string; input: Record<string, unknown> }): Promise<PermissionDecision> {
    const before = this.#decisions.get(call.id);
    if (before !== undefined) return before;
    const ask = askOf(call.tool, call.input);
    this.#calls.set(call.id, { tool: call.tool, title: ask.text, paths: ask.paths });
    const decision = this.#supervision.decide(ask).then((decided) => {
      if (decided.decision === 'allow') {
        this.#supervision.tell({
          kind: 'tool',
          tool: call.tool,
          title: ask.text,
          state: 'started',
          text: '',
        });
      }
      return decided;
    });
    this.#decisions.set(call.id, decision);
    return decision;
  }

  #takeAssistant(message: Extract<ClaudeMessage, { type: 'assistant' }>): void {
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
      if (block.type === 'tool_use') {
        const { text: title, paths } = askOf(block.name, block.input);
        this.#calls.set(block.id, { tool: block.name, title, paths });
      }
    }
  }

  #takeResult(block: ClaudeBlock): void {
    if (block.type !== 'tool_result') return;
    const call = this.#calls.get(block.tool_use_id) ?? { tool: 'unknown', title: '', paths: [] };
    const state = block.is_error === true ? 'failed' : 'done';
    const text = resultText(block.content).slice(0, keptText);
    this.#supervision.tell({ kind: 'tool', ...call, state, text });
    if (state === 'done' && !this.#decisions.has(block.tool_use_id)) {
      this.#finish(
        'failed',
        `The agent carried out a call of ${call.tool} that was not decided on; it was ended.`,
      );
    }
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
      this.#finish(...endInWords(result.stop_reason ?? 'end_turn'));
      return;
    }
    const said = result.result ?? result.errors?.join('; ') ?? result.subtype;
    const transient = isTransientFault(result.api_error_status ?? null, said);
    this.#finish('failed', `The agent reported an error: ${said}`, transient);
  }

  #finish(outcome: 'done' | 'failed', reason: string, transient = false): void {
    this.#process.stdin.end();
    this.#end({ outcome, reason, transient, finalText: this.#supervision.finalText() });
  }
}

function endInWords(stopReason: string): ['done' | 'failed', string] {
  if (stopReason === 'refusal') return ['failed', 'The model refused the task.'];
  if (stopReason === 'max_tokens') {
    return ['failed', "The agent's answer was cut off: it reached the model's limit of tokens."];
  }
  return ['done', 'The agent ended its turn.'];
}
