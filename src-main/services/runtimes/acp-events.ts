import type {
  RequestPermissionRequest,
  SessionUpdate,
  ToolCall,
  ToolCallContent,
  ToolCallUpdate,
} from '@agentclientprotocol/sdk';
import type { PermissionRequest, RuntimeEvent, ToolKind } from './port.ts';

const keptText = 4_000;

/** Normalises what an ACP agent tells of its session; it remembers the calls that are under way. */
export class AcpEvents {
  readonly #calls = new Map<string, { tool: string; title: string; started: boolean }>();

  /** The events of one update: none for what is of no interest to a transcript. */
  ofUpdate(update: SessionUpdate): RuntimeEvent[] {
    switch (update.sessionUpdate) {
      case 'agent_message_chunk':
        return update.content.type === 'text' ? [{ kind: 'text', text: update.content.text }] : [];
      case 'agent_thought_chunk':
        return update.content.type === 'text' ? [{ kind: 'thought', text: update.content.text }] : [];
      case 'tool_call':
      case 'tool_call_update':
        return this.#ofCall(update);
      case 'plan':
        return [
          {
            kind: 'note',
            text: update.entries.map((entry) => `[${entry.status}] ${entry.content}`).join('\n'),
          },
        ];
      case 'usage_update':
        return [
          { kind: 'usage', inputTokens: 0, outputTokens: 0, contextUsed: share(update.used, update.size) },
        ];
      default:
        return [];
    }
  }

  /** What a permission request asks, in the port's words. */
  ofRequest(request: RequestPermissionRequest): PermissionRequest {
    const call = request.toolCall;
    const known = this.#known(call);
    return { tool: known.tool, kind: kindOf(call.kind), paths: pathsOf(call), text: known.title };
  }

  /** A call that was allowed begins now, whether or not the agent says so. */
  started(call: ToolCallUpdate): RuntimeEvent[] {
    const known = this.#known(call);
    if (known.started) return [];
    known.started = true;
    return [{ kind: 'tool', tool: known.tool, title: known.title, state: 'started', text: '' }];
  }

  #ofCall(call: ToolCall | ToolCallUpdate): RuntimeEvent[] {
    const known = this.#known(call);
    const ended = call.status === 'completed' || call.status === 'failed';
    const events = this.started(call);
    if (ended) {
      const state = call.status === 'completed' ? 'done' : 'failed';
      events.push({
        kind: 'tool',
        tool: known.tool,
        title: known.title,
        state,
        text: textOf(call.content ?? []),
        paths: pathsOf(call),
      });
      this.#calls.delete(call.toolCallId);
    }
    return events;
  }

  #known(call: ToolCall | ToolCallUpdate): { tool: string; title: string; started: boolean } {
    const before = this.#calls.get(call.toolCallId);
    const known = before ?? { tool: 'other', title: '', started: false };
    known.tool = call.name ?? (before === undefined ? (call.kind ?? 'other') : known.tool);
    known.title = call.title ?? known.title;
    this.#calls.set(call.toolCallId, known);
    return known;
  }
}

function kindOf(kind: ToolCallUpdate['kind']): ToolKind {
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

function pathsOf(call: Pick<ToolCallUpdate, 'locations' | 'content'>): string[] {
  const paths = new Set<string>();
  for (const location of call.locations ?? []) paths.add(location.path);
  for (const part of call.content ?? []) if (part.type === 'diff') paths.add(part.path);
  return [...paths];
}

function textOf(content: ToolCallContent[]): string {
  const parts: string[] = [];
  for (const part of content) {
    if (part.type === 'content' && part.content.type === 'text') parts.push(part.content.text);
    if (part.type === 'diff') parts.push(`${(part.oldText ?? '') === '' ? 'new' : 'changed'}: ${part.path}`);
  }
  return parts.join('\n').slice(0, keptText);
}

function share(used: number, size: number): number | null {
  return size > 0 ? Math.min(1, used / size) : null;
}
