import { StringDecoder } from 'node:string_decoder';
import type { ModelProvider } from './ports.ts';

/** Tokens of one call, in the meaning of `ModelUsage`. */
export interface MeteredTokens {
  inputTokens: number;
  outputTokens: number;
  cachedTokens: number;
  estimated: boolean;
}

/** Reads the usage off an answer that passes by. */
export interface UsageMeter {
  push(chunk: Buffer): void;
  /** The count. `complete`: the answer arrived to its end; `requestBytes` is what an estimate of the input rests on. */
  settle(complete: boolean, requestBytes: number): MeteredTokens;
}

interface Seen {
  input: number | undefined;
  output: number | undefined;
  cached: number | undefined;
  /** Characters of what the model said: what the output is estimated by when the stream was cut before its count. */
  characters: number;
  final: boolean;
}

type Json = Record<string, unknown>;

/** A longer answer is not kept for counting: it is estimated by its size. */
const keptBytes = 64 * 1024 * 1024;
const bytesPerToken = 4;

/** A meter for one answer: server-sent events where `stream`, one JSON value (or an array of chunks) otherwise. */
export function createUsageMeter(provider: ModelProvider, stream: boolean): UsageMeter {
  const seen: Seen = { input: undefined, output: undefined, cached: undefined, characters: 0, final: false };
  const decoder = new StringDecoder('utf8');
  let pending = '';
  let bytes = 0;

  const readLine = (line: string): void => {
    if (!line.startsWith('data:')) return;
    const value = parse(line.slice(5));
    if (value !== undefined) look(provider, value, seen);
  };

  return {
    push(chunk) {
      bytes += chunk.length;
      if (pending.length > keptBytes) return;
      pending += decoder.write(chunk);
      if (!stream) return;
      const lines = pending.split(/\r?\n/);
      pending = lines.pop() ?? '';
      for (const line of lines) readLine(line);
    },
    settle(complete, requestBytes) {
      if (stream) readLine(pending);
      else {
        const value = parse(pending);
        for (const chunk of Array.isArray(value) ? (value as unknown[]) : [value])
          look(provider, chunk, seen);
      }
      const counted = seen.input !== undefined && seen.output !== undefined && (seen.final || complete);
      const heard = Math.ceil((stream ? seen.characters : bytes) / bytesPerToken);
      return {
        inputTokens: seen.input ?? Math.ceil(requestBytes / bytesPerToken),
        outputTokens: counted ? (seen.output ?? 0) : Math.max(seen.output ?? 0, heard),
        cachedTokens: seen.cached ?? 0,
        estimated: !counted,
      };
    },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function look(provider: ModelProvider, value: unknown, seen: Seen): void {
  if (!isObject(value)) return;
  if (provider === 'gemini') lookGemini(value, seen);
  else if (provider === 'anthropic') lookAnthropic(value, seen);
  else lookOpenai(value, seen);
}

/** Each chunk carries the usage so far: the last one counts. */
function lookGemini(value: Json, seen: Seen): void {
  seen.characters += textLength(value['candidates']);
  const usage = value['usageMetadata'];
  if (isObject(usage)) {
    seen.input = sum(usage['promptTokenCount'], usage['toolUsePromptTokenCount']) ?? seen.input;
    seen.output = sum(usage['candidatesTokenCount'], usage['thoughtsTokenCount']) ?? seen.output;
    seen.cached = sum(usage['cachedContentTokenCount']) ?? seen.cached;
  }
  const candidates = value['candidates'];
  const ended =
    Array.isArray(candidates) && candidates.some((one) => isObject(one) && one['finishReason'] !== undefined);
  const refused = isObject(value['promptFeedback']) && value['promptFeedback']['blockReason'] !== undefined;
  if (ended || refused) {
    seen.final = true;
    seen.output ??= seen.input === undefined ? undefined : 0;
  }
}

/** The whole usage in a plain answer; input in `message_start` and final output in `message_delta` of a stream. */
function lookAnthropic(value: Json, seen: Seen): void {
  seen.characters += textLength(value['delta']);
  const message = value['type'] === 'message_start' && isObject(value['message']) ? value['message'] : value;
  const usage = message['usage'];
  if (!isObject(usage)) return;
  const cached = sum(usage['cache_read_input_tokens']);
  const input = sum(
    usage['input_tokens'],
    usage['cache_creation_input_tokens'],
    usage['cache_read_input_tokens'],
  );
  seen.input = Math.max(input ?? 0, seen.input ?? 0);
  seen.cached = cached ?? seen.cached;
  seen.output = sum(usage['output_tokens']) ?? seen.output;
  if (value['type'] === 'message_delta' || value['type'] === 'message') seen.final = true;
}

/** `usage` of chat completions, and of responses both plain and inside the last event. */
function lookOpenai(value: Json, seen: Seen): void {
  seen.characters +=
    typeof value['delta'] === 'string' ? value['delta'].length : textLength(value['choices']);
  const holder = isObject(value['response']) ? value['response'] : value;
  const usage = holder['usage'];
  if (!isObject(usage)) return;
  const details = usage['prompt_tokens_details'] ?? usage['input_tokens_details'];
  seen.input = sum(usage['prompt_tokens'] ?? usage['input_tokens']) ?? seen.input;
  seen.output = sum(usage['completion_tokens'] ?? usage['output_tokens']) ?? seen.output;
  seen.cached = (isObject(details) ? sum(details['cached_tokens']) : undefined) ?? seen.cached;
  seen.final = true;
}

/** The sum of those that are token counts; undefined when none is. */
function sum(...values: unknown[]): number | undefined {
  const counts = values.filter(
    (value): value is number => typeof value === 'number' && Number.isFinite(value) && value >= 0,
  );
  return counts.length === 0 ? undefined : counts.reduce((total, count) => total + count, 0);
}

/** How many characters of text stand in a piece of an answer, at any depth. */
function textLength(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (Array.isArray(value)) return value.reduce((total: number, one) => total + textLength(one), 0);
  if (!isObject(value)) return 0;
  return Object.values(value).reduce((total: number, one) => total + textLength(one), 0);
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
