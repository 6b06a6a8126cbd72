import type { ModelCall, ModelRequest, ModelStep } from './model-server.ts';
import { halves, usageOf } from './model-wire.ts';
import type { WireReply } from './model-wire.ts';

/** An answer in the format of OpenAI's Responses: one JSON value, or server-sent events. */
export function responsesReply(request: ModelRequest, step: ModelStep): WireReply {
  const id = `resp_${request.turns}`;
  const output = outputOf(request, step);
  const usage = usageOf(step);
  const whole = (status: string, items: unknown[]): Record<string, unknown> => ({
    id,
    object: 'response',
    created_at: 1_700_000_000,
    model: request.model,
    status,
    output: items,
    ...(status === 'completed' && {
      usage: {
        input_tokens: usage.input,
        input_tokens_details: { cached_tokens: usage.cached },
        output_tokens: usage.output,
        output_tokens_details: { reasoning_tokens: 0 },
        total_tokens: usage.input + usage.output,
      },
    }),
  });
  if (request.operation !== 'stream') {
    return { contentType: 'application/json', pieces: [JSON.stringify(whole('completed', output))] };
  }

  const pieces: string[] = [];
  const push = (type: string, data: Record<string, unknown>): void => {
    const event = { type, sequence_number: pieces.length, ...data };
    pieces.push(`event: ${type}\ndata: ${JSON.stringify(event)}\n\n`);
  };
  push('response.created', { response: whole('in_progress', []) });
  output.forEach((item, index) => {
    const place = { output_index: index, item_id: item['id'] };
    const [content] = (item['content'] ?? []) as { text: string }[];
    push('response.output_item.added', { output_index: index, item: opened(item) });
    if (content !== undefined) {
      const part = { type: 'output_text', text: '', annotations: [] };
      push('response.content_part.added', { ...place, content_index: 0, part });
      for (const delta of halves(content.text))
        push('response.output_text.delta', { ...place, content_index: 0, delta });
      push('response.output_text.done', { ...place, content_index: 0, text: content.text });
      push('response.content_part.done', { ...place, content_index: 0, part: content });
    } else if (typeof item['arguments'] === 'string') {
      const text = item['arguments'];
      push('response.function_call_arguments.delta', { ...place, delta: text });
      push('response.function_call_arguments.done', { ...place, arguments: text });
    }
    push('response.output_item.done', { output_index: index, item });
  });
  push('response.completed', { response: whole('completed', output) });
  return { contentType: 'text/event-stream', pieces };
}

/** An answer in the format of OpenAI's Chat Completions: one JSON value, or server-sent events. */
export function chatReply(request: ModelRequest, step: ModelStep): WireReply {
  const head = { id: `chatcmpl-${request.turns}`, created: 1_700_000_000, model: request.model };
  const calls = (step.calls ?? []).map((call, index) => ({
    id: `call_${request.turns}_${index}`,
    type: 'function',
    function: { name: call.name, arguments: argumentsOf(call) },
  }));
  const finish = calls.length > 0 ? 'tool_calls' : 'stop';
  const tokens = usageOf(step);
  const usage = {
    prompt_tokens: tokens.input,
    completion_tokens: tokens.output,
    total_tokens: tokens.input + tokens.output,
    prompt_tokens_details: { cached_tokens: tokens.cached },
  };
  if (request.operation !== 'stream') {
    const message = {
      role: 'assistant',
      content: step.text ?? null,
      ...(calls.length > 0 && { tool_calls: calls }),
    };
    const choices = [{ index: 0, message, finish_reason: finish }];
    const value = { ...head, object: 'chat.completion', choices, usage };
    return { contentType: 'application/json', pieces: [JSON.stringify(value)] };
  }

  const chunk = (choices: unknown[], more: Record<string, unknown> = {}): string =>
    `data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', choices, ...more })}\n\n`;
  const delta = (value: Record<string, unknown>): string =>
    chunk([{ index: 0, delta: value, finish_reason: null }]);
  const options = (request.body as { stream_options?: { include_usage?: boolean } }).stream_options;
  const pieces = [delta({ role: 'assistant', content: '' })];
  for (const content of halves(step.text ?? '')) pieces.push(delta({ content }));
  calls.forEach((call, index) => pieces.push(delta({ tool_calls: [{ index, ...call }] })));
  pieces.push(chunk([{ index: 0, delta: {}, finish_reason: finish }]));
  if (options?.include_usage === true) pieces.push(chunk([], { usage }));
  pieces.push('data: [DONE]\n\n');
  return { contentType: 'text/event-stream', pieces };
}

/** Which of the entries of a Responses request the model wrote itself. */
export function isOfModel(entry: { type?: string; role?: string }): boolean {
  return entry.role === 'assistant' || /^(reasoning|.*_call)$/.test(entry.type ?? '');
}

function outputOf(request: ModelRequest, step: ModelStep): Record<string, unknown>[] {
  const output: Record<string, unknown>[] = [];
  if (step.text !== undefined) {
    output.push({
      type: 'message',
      id: `msg_${request.turns}`,
      status: 'completed',
      role: 'assistant',
      content: [{ type: 'output_text', text: step.text, annotations: [] }],
    });
  }
  (step.calls ?? []).forEach((call, index) => {
    const of = { id: `item_${request.turns}_${index}`, call_id: `call_${request.turns}_${index}` };
    const namespace = call.namespace === undefined ? {} : { namespace: call.namespace };
    const name = { name: call.name, ...namespace, status: 'completed' };
    output.push(
      typeof call.args === 'string'
        ? { type: 'custom_tool_call', ...of, ...name, input: call.args }
        : { type: 'function_call', ...of, ...name, arguments: argumentsOf(call) },
    );
  });
  return output;
}

/** An item as a stream announces it, before it has any content. */
function opened(item: Record<string, unknown>): Record<string, unknown> {
  const empty = Object.fromEntries(
    Object.entries({ content: [], arguments: '', input: '' }).filter(([name]) => name in item),
  );
  return { ...item, ...empty, status: 'in_progress' };
}

function argumentsOf(call: ModelCall): string {
  return typeof call.args === 'string' ? call.args : JSON.stringify(call.args);
}
