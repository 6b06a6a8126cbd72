import type { ModelRequest, ModelStep } from './model-server.ts';

/** The bytes of an answer, in the pieces in which they are sent. */
export interface WireReply {
  contentType: string;
  pieces: string[];
}

/** Gemini's answer to `:countTokens`. */
export function geminiCount(request: ModelRequest): WireReply {
  const totalTokens = Math.ceil(request.prompt.length / 4);
  return { contentType: 'application/json', pieces: [JSON.stringify({ totalTokens })] };
}

/** An answer in Gemini's wire format: one JSON value, or server-sent events with the final usage in the last. */
export function geminiReply(request: ModelRequest, step: ModelStep): WireReply {
  const usage = usageOf(step);
  const text =
    request.wantsJson && step.text === undefined ? JSON.stringify(jsonAnswer(request.body)) : step.text;
  const texts = text === undefined ? [] : request.operation === 'stream' ? halves(text) : [text];
  const parts: Record<string, unknown>[] = texts.map((piece) => ({ text: piece }));
  for (const call of step.calls ?? []) parts.push({ functionCall: { name: call.name, args: call.args } });
  if (parts.length === 0) parts.push({ text: '' });

  const chunk = (content: unknown[], last: boolean): Record<string, unknown> => ({
    candidates: [
      { content: { role: 'model', parts: content }, index: 0, ...(last ? { finishReason: 'STOP' } : {}) },
    ],
    usageMetadata: {
      promptTokenCount: usage.input,
      totalTokenCount: usage.input + (last ? usage.output : 0),
      ...(last ? { candidatesTokenCount: usage.output } : {}),
      ...(usage.cached > 0 ? { cachedContentTokenCount: usage.cached } : {}),
    },
    modelVersion: request.model,
    responseId: `scripted-${request.turns}`,
  });

  if (request.operation !== 'stream') {
    return { contentType: 'application/json', pieces: [JSON.stringify(chunk(parts, true))] };
  }
  const chunks = parts.map((part, index) => chunk([part], index === parts.length - 1));
  return {
    contentType: 'text/event-stream',
    pieces: chunks.map((value) => `data: ${JSON.stringify(value)}\r\n\r\n`),
  };
}

/** An answer in the format of Anthropic's Messages: one JSON value, or server-sent events. */
export function anthropicReply(request: ModelRequest, step: ModelStep): WireReply {
  const usage = usageOf(step);
  const content: Record<string, unknown>[] = [];
  if (step.text !== undefined) content.push({ type: 'text', text: step.text });
  (step.calls ?? []).forEach((call, index) => {
    content.push({
      type: 'tool_use',
      id: `toolu_${request.turns}_${index}`,
      name: call.name,
      input: call.args,
    });
  });
  const message = { id: `msg_${request.turns}`, type: 'message', role: 'assistant', model: request.model };
  const stopReason = (step.calls ?? []).length > 0 ? 'tool_use' : 'end_turn';
  const inputUsage = {
    input_tokens: usage.input - usage.cached,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: usage.cached,
  };
  if (request.operation !== 'stream') {
    const value = {
      ...message,
      content,
      stop_reason: stopReason,
      stop_sequence: null,
      usage: { ...inputUsage, output_tokens: usage.output },
    };
    return { contentType: 'application/json', pieces: [JSON.stringify(value)] };
  }

  const pieces: string[] = [];
  const push = (type: string, data: Record<string, unknown>): void => {
    pieces.push(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`);
  };
  push('message_start', {
    message: {
      ...message,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { ...inputUsage, output_tokens: 1 },
    },
  });
  content.forEach((block, index) => {
    if (block['type'] === 'text') {
      push('content_block_start', { index, content_block: { type: 'text', text: '' } });
      for (const text of halves(String(block['text']))) {
        push('content_block_delta', { index, delta: { type: 'text_delta', text } });
      }
    } else {
      push('content_block_start', { index, content_block: { ...block, input: {} } });
      const delta = { type: 'input_json_delta', partial_json: JSON.stringify(block['input']) };
      push('content_block_delta', { index, delta });
    }
    push('content_block_stop', { index });
  });
  push('message_delta', {
    delta: { stop_reason: stopReason, stop_sequence: null },
    usage: { output_tokens: usage.output },
  });
  push('message_stop', {});
  return { contentType: 'text/event-stream', pieces };
}

/** The tokens that a step says it took. */
export function usageOf(step: ModelStep): { input: number; output: number; cached: number } {
  return {
    input: step.usage?.input ?? 100,
    output: step.usage?.output ?? 10,
    cached: step.usage?.cached ?? 0,
  };
}

/** Every text is streamed in two pieces, so that a client which joins them wrongly shows. */
export function halves(text: string): string[] {
  const characters = [...text];
  const middle = Math.ceil(characters.length / 2);
  return [characters.slice(0, middle).join(''), characters.slice(middle).join('')].filter(
    (half) => half !== '',
  );
}

/** The least value that a request's JSON schema accepts: an enum's first value, empty texts, zero, false. */
function jsonAnswer(body: unknown): unknown {
  const config = (body as { generationConfig?: Record<string, unknown> }).generationConfig ?? {};
  return leastOf(config['responseJsonSchema'] ?? config['responseSchema'] ?? {});
}

function leastOf(schema: unknown): unknown {
  const {
    type,
    enum: values,
    properties,
    required,
  } = schema as {
    type?: string;
    enum?: unknown[];
    properties?: Record<string, unknown>;
    required?: string[];
  };
  if (values !== undefined) return values[0];
  switch (type?.toLowerCase()) {
    case 'string':
      return '';
    case 'number':
    case 'integer':
      return 0;
    case 'boolean':
      return false;
    case 'array':
      return [];
    default: {
      const names = required ?? Object.keys(properties ?? {});
      return Object.fromEntries(
        names.map((name) => [name, leastOf(properties?.[name] ?? { type: 'string' })]),
      );
    }
  }
}
