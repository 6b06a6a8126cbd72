import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import {
  AskReply,
  BriefReply,
  RUN_TOOLS_SERVER,
  runApiPaths,
  runToolCalls,
  WikiReply,
} from '../../contract/run-api.ts';
import { callCore } from './socket.ts';
import { RUN_TOOLS } from './tools.ts';

/**
 * `atrium mcp`: the verbs of a run as tools of the Model Context Protocol, on standard input and output. It holds no authority
 * of its own: each tool is one call on the run's socket, and the contract behind the socket says which there are.
 *
 * @throws Error where it is not started inside a run
 */
export async function serveRunTools(environment: NodeJS.ProcessEnv, version: string): Promise<void> {
  const socket = environment.ATRIUM_SOCKET;
  if (socket === undefined || socket === '')
    throw new Error('ATRIUM_SOCKET is not set: this works inside a run only.');
  const told = await callCore(socket, 'GET', runApiPaths.brief);
  if (!told.ok) throw new Error(told.message);
  const { calls } = BriefReply.parse(told.value);
  const server = new McpServer(
    { name: RUN_TOOLS_SERVER, version },
    {
      instructions:
        'You report and ask through these tools. Nothing here approves, starts or moves a ticket: Atrium decides from evidence.',
    },
  );
  for (const tool of RUN_TOOLS) {
    if (!calls.includes(runToolCalls[tool.name])) continue;
    server.registerTool(
      tool.name,
      { description: tool.description, inputSchema: tool.input },
      async (input: Record<string, unknown>) => {
        const body = tool.namesTicket ? { ...input, ticket: environment.ATRIUM_TICKET } : input;
        const answer = await callCore(socket, 'POST', tool.path, body);
        const text = answer.ok ? wordsOf(answer.value) : answer.message;
        return { content: [{ type: 'text' as const, text }], isError: !answer.ok };
      },
    );
  }
  await server.connect(new StdioServerTransport());
}

/** What a tool says to the agent: the sentence of the core, an answer, or what the wiki has. */
function wordsOf(value: unknown): string {
  const found = WikiReply.safeParse(value);
  if (found.success)
    return found.data.hits.length === 0
      ? 'The wiki says nothing about it.'
      : found.data.hits.map((hit) => `${hit.page} (${hit.title}):\n${hit.text}`).join('\n\n');
  const asked = AskReply.safeParse(value);
  if (asked.success) return asked.data.answer ?? asked.data.message;
  return typeof value === 'object' && value !== null && 'message' in value ? String(value.message) : 'Taken.';
}
