import type { SessionUpdate, ToolCall, ToolCallContent, ToolCallUpdate } from '@agentclientprotocol/sdk';
import { runToolOf } from '../../contract/run-api.ts';
import type { PermissionRequest, RuntimeEvent, ToolKind } from './port.ts';

/** What an update of an ACP session says beside its calls: nothing for what is of no interest to a transcript. */
export function eventOf(update: SessionUpdate): RuntimeEvent | null {
  switch (update.sessionUpdate) {
    case 'agent_message_chunk':
      return update.content.type === 'text' ? { kind: 'text', text: update.content.text } : null;
    case 'agent_thought_chunk':
      return update.content.type === 'text' ? { kind: 'thought', text: update.content.text } : null;
    case 'plan':
      return {
        kind: 'plan',
        text: update.entries.map((entry) => `[${entry.status}] ${entry.content}`).join('\n'),
      };
    case 'usage_update':
      return { kind: 'usage', inputTokens: 0, outputTokens: 0, contextUsed: share(update.used, update.size) };
    default:
      return null;
  }
}

/** Puts together what an ACP agent says of a call bit by bit, in the port's words. */
export class AcpRequests {
  readonly #known = new Map<string, PermissionRequest>();

  /** What is known of the call, this word of it included. */
  take(call: ToolCall | ToolCallUpdate): PermissionRequest {
    const before = this.#known.get(call.toolCallId);
    const said = call.kind === undefined || call.kind === null ? 'other' : kindOf(call.kind);
    const kind = said === 'other' ? (before?.kind ?? 'other') : said;
    // What a command will touch cannot be known from its text: an agent's guess at it is no path that it names.
    const paths = new Set(kind === 'execute' ? [] : before?.paths);
    if (kind !== 'execute') for (const location of call.locations ?? []) paths.add(location.path);
    for (const part of call.content ?? []) if (part.type === 'diff') paths.add(part.path);
    const request: PermissionRequest = {
      tool: call.name ?? runTool(call, kind) ?? before?.tool ?? call.kind ?? 'other',
      kind,
      paths: [...paths],
      text: call.title ?? before?.text ?? '',
    };
    this.#known.set(call.toolCallId, request);
    return request;
  }
}

/** A call of the run's own tools, which an agent names in its title alone. */
function runTool({ title }: ToolCall | ToolCallUpdate, kind: ToolKind): string | undefined {
  return kind === 'other' && typeof title === 'string' && runToolOf(title) !== null ? title : undefined;
}

/** The text of what came of a call, with the files that it changed. */
export function contentText(content: readonly ToolCallContent[]): string {
  const parts: string[] = [];
  for (const part of content) {
    if (part.type === 'content' && part.content.type === 'text') parts.push(part.content.text);
    if (part.type === 'diff') parts.push(`${(part.oldText ?? '') === '' ? 'new' : 'changed'}: ${part.path}`);
  }
  return parts.join('\n');
}

function kindOf(kind: NonNullable<ToolCallUpdate['kind']>): ToolKind {
  switch (kind) {
    case 'read':
    case 'search':
    case 'edit':
    case 'execute':
    case 'fetch':
      return kind;
    case 'delete':
    case 'move':
      return 'edit';
    default:
      return 'other';
  }
}

function share(used: number, size: number): number | null {
  return size > 0 ? Math.min(1, used / size) : null;
}
