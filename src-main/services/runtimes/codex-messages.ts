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

/** An item that carries something out. */
export type CodexCall = Extract<CodexItem, { type: 'commandExecution' | 'fileChange' | 'other' }>;

export function isCall(item: CodexItem): item is CodexCall {
  return item.type === 'commandExecution' || item.type === 'fileChange' || item.type === 'other';
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
