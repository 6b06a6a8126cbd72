import { z } from 'zod';
import type { PermissionRequest, ToolKind } from './port.ts';

const Block = z.union([
  z.object({ type: z.literal('text'), text: z.string() }),
  z.object({ type: z.literal('thinking'), thinking: z.string() }),
  z.object({
    type: z.literal('tool_use'),
    id: z.string(),
    name: z.string(),
    input: z.record(z.string(), z.unknown()),
  }),
  z.object({
    type: z.literal('tool_result'),
    tool_use_id: z.string(),
    is_error: z.boolean().optional(),
    content: z.unknown().optional(),
  }),
  // A block of a kind that is not known is passed over.
  z.object({ type: z.string() }).transform(() => ({ type: 'unknown' as const })),
]);

const Tokens = z.object({
  input_tokens: z.number().default(0),
  cache_creation_input_tokens: z.number().nullish(),
  cache_read_input_tokens: z.number().nullish(),
  output_tokens: z.number().default(0),
});

/** What Claude Code writes on stdout, as far as it is of use: one JSON value a line. */
export const ClaudeMessage = z.union([
  z.object({
    type: z.literal('control_request'),
    request_id: z.string(),
    request: z.union([
      z.object({
        subtype: z.literal('hook_callback'),
        callback_id: z.string(),
        input: z.union([
          z.object({
            tool_name: z.string(),
            tool_input: z.record(z.string(), z.unknown()),
            tool_use_id: z.string(),
          }),
          z.object({ hook_event_name: z.string() }),
        ]),
      }),
      z.object({
        subtype: z.literal('can_use_tool'),
        tool_name: z.string(),
        input: z.record(z.string(), z.unknown()),
        tool_use_id: z.string(),
      }),
      z
        .object({ subtype: z.string() })
        .transform(({ subtype }) => ({ subtype: 'unknown' as const, named: subtype })),
    ]),
  }),
  z.object({
    type: z.literal('control_response'),
    response: z.object({ subtype: z.string(), request_id: z.string(), error: z.string().optional() }),
  }),
  z.object({
    type: z.literal('assistant'),
    message: z.object({ content: z.array(Block), usage: Tokens.optional() }),
    parent_tool_use_id: z.string().nullish(),
    is_api_error_message: z.boolean().optional(),
  }),
  z.object({
    type: z.literal('user'),
    message: z.object({ content: z.union([z.string(), z.array(Block)]) }),
  }),
  z.object({
    type: z.literal('result'),
    subtype: z.string(),
    is_error: z.boolean(),
    stop_reason: z.string().nullish(),
    api_error_status: z.number().nullish(),
    result: z.string().optional(),
    errors: z.array(z.string()).optional(),
    usage: Tokens,
    modelUsage: z.record(z.string(), z.object({ contextWindow: z.number().optional() })).default({}),
  }),
  z.object({
    type: z.literal('system'),
    subtype: z.literal('api_retry'),
    attempt: z.number(),
    max_retries: z.number(),
    error: z.string().nullish(),
  }),
  z.object({ type: z.literal('system'), subtype: z.literal('init'), session_id: z.string() }),
  z.object({ type: z.string() }).transform(() => ({ type: 'unknown' as const })),
]);
export type ClaudeMessage = z.infer<typeof ClaudeMessage>;
export type ClaudeResult = Extract<ClaudeMessage, { type: 'result' }>;
export type ClaudeBlock = z.infer<typeof Block>;

/** Reads a line; null for one that is no message. */
export function readClaudeMessage(line: string): ClaudeMessage | null {
  try {
    const parsed = ClaudeMessage.safeParse(JSON.parse(line));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

/** All tokens that went in, from a cache or not. */
export function inputTokens(usage: z.infer<typeof Tokens>): number {
  return usage.input_tokens + (usage.cache_creation_input_tokens ?? 0) + (usage.cache_read_input_tokens ?? 0);
}

/** The text of a tool's result. */
export function resultText(content: unknown): string {
  if (typeof content === 'string') return content;
  const parsed = z.array(Block).safeParse(content);
  if (!parsed.success) return '';
  return parsed.data.map((block) => (block.type === 'text' ? block.text : '')).join('');
}

const kinds: Record<string, ToolKind> = {
  Read: 'read',
  Glob: 'search',
  Grep: 'search',
  Edit: 'edit',
  Write: 'edit',
  NotebookEdit: 'edit',
  Bash: 'execute',
  Monitor: 'execute',
  WebFetch: 'fetch',
  WebSearch: 'fetch',
};

/** What a call asks, in the port's words. */
export function askOf(tool: string, input: Record<string, unknown>): PermissionRequest {
  const text = (name: string): string | undefined =>
    typeof input[name] === 'string' ? input[name] : undefined;
  const paths = ['file_path', 'notebook_path', 'path'].flatMap((name) => text(name) ?? []);
  const said =
    text('command') ??
    paths[0] ??
    text('url') ??
    text('query') ??
    text('pattern') ??
    text('description') ??
    tool;
  return { tool, kind: kinds[tool] ?? 'other', paths, text: said };
}
