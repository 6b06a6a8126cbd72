import type { ModelProvider } from './ports.ts';

type Json = Record<string, unknown>;

/**
 * What in a model request would make the provider reach the network for the run (search, fetching an address, remote tool servers,
 * code execution at the provider): a way round the run's network list, in both directions. Returns its name, or null.
 */
export function findModelExit(provider: ModelProvider, body: Json): string | null {
  for (const name of ['mcp_servers', 'web_search_options', 'container', 'background']) {
    if (provider !== 'gemini' && isSet(body[name])) return name;
  }
  const tools = Array.isArray(body['tools']) ? (body['tools'] as unknown[]) : [];
  for (const tool of tools) {
    const exit =
      provider === 'gemini'
        ? geminiTool(tool)
        : provider === 'anthropic'
          ? anthropicTool(tool)
          : openaiTool(tool);
    if (exit !== null) return exit;
  }
  const content =
    provider === 'gemini' ? [body['contents'], body['systemInstruction']] : [body['messages'], body['input']];
  return findRemoteAddress([...content, body['system']], 0);
}

function geminiTool(tool: unknown): string | null {
  if (!isObject(tool)) return null;
  return (
    Object.keys(tool).find((key) => key !== 'functionDeclarations' && key !== 'function_declarations') ?? null
  );
}

const anthropicClientTools = ['custom', 'bash_', 'text_editor_', 'computer_', 'memory_', 'tool_search_tool_'];

function anthropicTool(tool: unknown): string | null {
  const type = isObject(tool) ? tool['type'] : undefined;
  if (typeof type !== 'string') return null;
  return anthropicClientTools.some((known) => type.startsWith(known)) ? null : type;
}

const openaiClientTools = ['function', 'custom', 'local_shell', 'shell', 'apply_patch', 'namespace'];

function openaiTool(tool: unknown): string | null {
  const type = isObject(tool) ? tool['type'] : undefined;
  if (typeof type === 'string' && !openaiClientTools.includes(type)) return type;
  const within = isObject(tool) && Array.isArray(tool['tools']) ? (tool['tools'] as unknown[]) : [];
  return within.map(openaiTool).find((exit) => exit !== null) ?? null;
}

/** Names under which a part of a request gives an address for the provider to fetch; data addresses stay inside. */
const addressFields = new Set(['fileUri', 'file_uri', 'url', 'image_url', 'file_url', 'video_url']);
const parts = new Set(['fileData', 'file_data', 'source', 'image_url', 'file_url', 'video_url']);

function findRemoteAddress(value: unknown, depth: number): string | null {
  if (depth > 64) return 'nesting deeper than 64';
  if (Array.isArray(value)) {
    for (const one of value as unknown[]) {
      const found = findRemoteAddress(one, depth + 1);
      if (found !== null) return found;
    }
    return null;
  }
  if (!isObject(value)) return null;
  for (const [name, one] of Object.entries(value)) {
    // What a tool was called with and what it gave back is the run's own data, whatever its fields are called.
    if (
      ['functionCall', 'functionResponse', 'function_call', 'function_response', 'arguments'].includes(name)
    )
      continue;
    if (name === 'input' && value['type'] === 'tool_use') continue;
    if (parts.has(name)) {
      const address = isObject(one)
        ? Object.entries(one).find(([field]) => addressFields.has(field))?.[1]
        : one;
      const citation = name === 'source' && !isObject(one);
      if (!citation && typeof address === 'string' && !address.startsWith('data:')) return name;
    }
    const found = findRemoteAddress(one, depth + 1);
    if (found !== null) return found;
  }
  return null;
}

function isSet(value: unknown): boolean {
  return (
    value !== undefined && value !== null && value !== false && !(Array.isArray(value) && value.length === 0)
  );
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
