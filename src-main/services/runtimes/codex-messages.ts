import { z } from 'zod';
import type { PermissionRequest } from './port.ts';

const id = z.string();

/** What Codex does in a turn, as far as it is of use; whatever else it does is `other`. */
export const CodexItem = z.union([
  z.object({ type: z.literal('agentMessage'), id, text: z.string() }),
  z.object({ type: z.literal('reasoning'), id, summary: z.array(z.string()), content: z.array(z.string()) }),
  z.object({ type: z.literal('plan'), id, text: z.string() }),
  z.object({
    type: z.literal('commandExecution'),
    id,
    command: z.string(),
    status: z.string(),
    aggregatedOutput: z.string().nullish(),
    exitCode: z.number().nullish(),
  }),
  z.object({
    type: z.literal('fileChange'),
    id,
    status: z.string(),
    changes: z.array(z.object({ path: z.string(), kind: z.object({ type: z.string() }) })),
  }),
  z.object({
    type: z.literal('mcpToolCall'),
    id,
    server: z.string(),
    tool: z.string(),
    status: z.string(),
    arguments: z.unknown(),
    result: z.object({ content: z.array(z.object({ text: z.string().default('') })) }).nullish(),
    error: z.object({ message: z.string() }).nullish(),
  }),
  // What only tells of the conversation itself and carries nothing out.
  z
    .object({
      type: z.enum([
        'userMessage',
        'hookPrompt',
        'functionCallOutput',
        'enteredReviewMode',
        'exitedReviewMode',
        'contextCompaction',
      ]),
      id,
    })
    .transform(() => ({ type: 'conversation' as const })),
  z
    .object({ type: z.string(), id, tool: z.string().optional(), status: z.string().optional() })
    .transform(({ type, tool, ...rest }) => ({ type: 'other' as const, named: tool ?? type, ...rest })),
]);
export type CodexItem = z.infer<typeof CodexItem>;

/** What Codex tells of a turn by itself, by method. */
export const CodexNotification = {
  'item/started': z.object({ item: CodexItem }),
  'item/completed': z.object({ item: CodexItem }),
  'item/agentMessage/delta': z.object({ delta: z.string() }),
  'turn/plan/updated': z.object({ plan: z.array(z.object({ step: z.string(), status: z.string() })) }),
  'thread/tokenUsage/updated': z.object({
    turnId: z.string(),
    tokenUsage: z.object({
      last: z.object({ totalTokens: z.number(), inputTokens: z.number(), outputTokens: z.number() }),
      modelContextWindow: z.number().nullable(),
    }),
  }),
  'turn/completed': z.object({
    turn: z.object({
      status: z.string(),
      error: z.object({ message: z.string(), codexErrorInfo: z.unknown() }).nullish(),
    }),
  }),
  error: z.object({ error: z.object({ message: z.string() }), willRetry: z.boolean() }),
  warning: z.object({ message: z.string() }),
} as const;

/** What Codex asks leave for, by method. */
export const CodexAsk = z.object({ itemId: z.string(), command: z.string().nullish() });

/** How Codex asks leave for a call of a server's tool: it names the tool and what it is called with, and not the item. */
export const CodexToolAsk = z.object({
  serverName: z.string(),
  _meta: z.object({
    codex_approval_kind: z.literal('mcp_tool_call'),
    tool_name: z.string(),
    tool_params: z.unknown(),
  }),
});

/** An item that carries something out. */
export type CodexCall = Extract<CodexItem, { type: (typeof calls)[number] }>;
const calls = ['commandExecution', 'fileChange', 'mcpToolCall', 'other'] as const;

export function isCall(item: CodexItem): item is CodexCall {
  return (calls as readonly string[]).includes(item.type);
}

/** A look of Codex's own at what its servers have to be read, for which it never asks. The run's own tools have nothing. */
export function isLook(item: Extract<CodexItem, { type: 'mcpToolCall' }>): boolean {
  return item.server === 'codex' && /^(list_mcp_|read_mcp_)/.test(item.tool);
}

/** What came of a call, in words. */
export function cameOf(item: CodexCall): string {
  switch (item.type) {
    case 'commandExecution':
      return `${item.aggregatedOutput ?? ''}${item.exitCode ? `\nexit code ${item.exitCode}` : ''}`;
    case 'mcpToolCall':
      return item.error?.message ?? item.result?.content.map(({ text }) => text).join('\n') ?? '';
    default:
      return '';
  }
}

/** What a call would do, in the port's words. */
export function requestOf(item: CodexCall): PermissionRequest {
  switch (item.type) {
    case 'commandExecution':
      return { tool: 'shell', kind: 'execute', paths: [], text: spoken(item.command) };
    case 'fileChange': {
      const paths = item.changes.map((change) => change.path);
      return { tool: 'apply_patch', kind: 'edit', paths, text: paths.join(', ') };
    }
    case 'mcpToolCall': {
      const tool = `mcp__${item.server}__${item.tool}`;
      return { tool, kind: isLook(item) ? 'search' : 'other', paths: [], text: tool };
    }
    case 'other':
      return { tool: item.named, kind: 'other', paths: [], text: item.named };
  }
}

/** A command as the model said it, out of the shell that Codex puts around it. */
export function spoken(command: string): string {
  const wrapped = /^\/\S*sh -l?c (?:'([\s\S]*)'|"([\s\S]*)"|([\s\S]*))$/.exec(command);
  const quoted = wrapped?.[1]?.replaceAll(`'"'"'`, "'").replaceAll(String.raw`'\''`, "'");
  return quoted ?? wrapped?.[2] ?? wrapped?.[3] ?? command;
}

/** The HTTP status that stands behind an error, where Codex knows it. */
export function statusOf(info: unknown): number | null {
  const found = JSON.stringify(info ?? null).match(/"httpStatusCode":(\d{3})/);
  return found === null ? null : Number(found[1]);
}
