import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { anthropicReply, geminiCount, geminiReply } from './model-wire.ts';
import type { WireReply } from './model-wire.ts';
import { chatReply, isOfModel, responsesReply } from './model-wire-openai.ts';

/**
 * A tool call that the scripted model makes. Text instead of arguments is for a tool that takes plain text; the namespace is
 * OpenAI's, where tools of a server are in one.
 */
export interface ModelCall {
  name: string;
  namespace?: string;
  args: Record<string, unknown> | string;
}

/** What the model says in one turn. Tokens default to 100 in, 10 out, none cached. */
export interface ModelStep {
  text?: string;
  calls?: ModelCall[];
  usage?: { input?: number; output?: number; cached?: number };
}

/**
 * A failure in place of an answer, for the first `times` calls (1 unless said): an HTTP status, a request that is never answered,
 * a stream that is cut after its first piece, or a body that is no JSON.
 */
export type ModelFailure =
  { kind: 'status'; status: number; times?: number } | { kind: 'hang' | 'cut' | 'malformed'; times?: number };

/** A request as it arrived, for assertions. `turns` counts the model's earlier turns in it: the step to answer with. */
export interface ModelRequest {
  provider: 'gemini' | 'anthropic' | 'openai';
  operation: 'generate' | 'stream' | 'count';
  model: string;
  turns: number;
  /** True for a side question that wants a JSON answer by a schema, which no script has to know of. */
  wantsJson: boolean;
  url: string;
  headers: IncomingHttpHeaders;
  body: unknown;
  /** The text of everything in the request, to tell conversations apart. */
  prompt: string;
}

/**
 * The steps of a conversation, in order (after the last one the model says "Done."), or a function of the request. A function may
 * return undefined for that same "Done.".
 */
export type ModelScript =
  | readonly ModelStep[]
  | { steps: readonly ModelStep[]; failures?: readonly ModelFailure[] }
  | ((request: ModelRequest) => ModelStep | ModelFailure | undefined);

/** A running scripted model. `url` is its base, without a path and without a slash at the end. */
export interface ModelServer {
  url: string;
  /** Every request so far, `count` calls included. */
  requests: ModelRequest[];
  /** Resolves with the first request, past or coming, that the predicate accepts. */
  arrived(predicate: (request: ModelRequest) => boolean): Promise<ModelRequest>;
  /** Resolves when a client has gone away before its answer was complete, past or coming. */
  abandoned(): Promise<ModelRequest>;
  close(): Promise<void>;
}

const geminiPath = /^\/v1(?:beta)?\/models\/([^/:]+):(generateContent|streamGenerateContent|countTokens)$/;

/**
 * Starts a scripted model on 127.0.0.1 that speaks the wire formats of Gemini, Anthropic and OpenAI (Responses and Chat
 * Completions), streaming and not. It keeps no state of
 * a conversation: the step is read off the request, so retries and resumed sessions get the same answers.
 */
export async function startModelServer(script: ModelScript): Promise<ModelServer> {
  const requests: ModelRequest[] = [];
  const gone: ModelRequest[] = [];
  const watchers = new Set<() => void>();
  const failures = 'failures' in script && !Array.isArray(script) ? [...(script.failures ?? [])] : [];
  const left = failures.map((failure) => failure.times ?? 1);

  const announce = (): void => {
    for (const watcher of [...watchers]) watcher();
  };

  const watch = (find: () => ModelRequest | undefined): Promise<ModelRequest> =>
    new Promise((resolve) => {
      const look = (): void => {
        const found = find();
        if (found === undefined) return;
        watchers.delete(look);
        resolve(found);
      };
      watchers.add(look);
      look();
    });

  const answer = (request: ModelRequest): ModelStep | ModelFailure => {
    const index = left.findIndex((times) => times > 0);
    const failure = index === -1 ? undefined : failures[index];
    if (failure !== undefined) {
      left[index] = (left[index] ?? 1) - 1;
      return failure;
    }
    if (typeof script === 'function') return script(request) ?? { text: 'Done.' };
    const steps = Array.isArray(script)
      ? (script as readonly ModelStep[])
      : (script as { steps: readonly ModelStep[] }).steps;
    return steps[request.turns] ?? { text: 'Done.' };
  };

  const serve = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await readJson(incoming);
    const request = describe(incoming, body);
    if (request === undefined) {
      response.writeHead(404, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: { code: 404, message: `no such path: ${incoming.url ?? ''}` } }));
      return;
    }
    requests.push(request);
    response.on('close', () => {
      if (response.writableFinished) return;
      gone.push(request);
      announce();
    });
    announce();
    if (request.operation === 'count') {
      sendReply(response, geminiCount(request));
      return;
    }
    const step = request.wantsJson && typeof script !== 'function' ? {} : answer(request);
    if ('kind' in step) {
      fail(response, step, request);
      return;
    }
    sendReply(response, replyOf(request, step));
  };

  const server = createServer((incoming, response) => {
    serve(incoming, response).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(500);
      response.end(String(error));
    });
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    arrived: (predicate) => watch(() => requests.find(predicate)),
    abandoned: () => watch(() => gone[0]),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function replyOf(request: ModelRequest, step: ModelStep): WireReply {
  if (request.provider === 'gemini') return geminiReply(request, step);
  if (request.provider === 'anthropic') return anthropicReply(request, step);
  return request.url.startsWith('/v1/responses') ? responsesReply(request, step) : chatReply(request, step);
}

function sendReply(response: ServerResponse, reply: WireReply): void {
  response.writeHead(200, { 'content-type': reply.contentType });
  for (const piece of reply.pieces) response.write(piece);
  response.end();
}

function fail(response: ServerResponse, failure: ModelFailure, request: ModelRequest): void {
  if (failure.kind === 'hang') return;
  if (failure.kind === 'malformed') {
    response.writeHead(200, {
      'content-type': request.operation === 'stream' ? 'text/event-stream' : 'application/json',
    });
    response.end(request.operation === 'stream' ? 'data: {"candidates": [tru\n\n' : '{"candidates": [tru');
    return;
  }
  if (failure.kind === 'cut') {
    const reply = replyOf(request, { text: 'This sentence is cut in the mid' });
    response.writeHead(200, { 'content-type': reply.contentType });
    const piece = reply.pieces.length > 1 ? reply.pieces[0] : reply.pieces[0]?.slice(0, 20);
    response.write(piece ?? '', () => response.destroy());
    return;
  }
  if (failure.kind === 'status') {
    const message = `scripted failure ${failure.status}`;
    const status = failure.status === 429 ? 'RESOURCE_EXHAUSTED' : 'INTERNAL';
    const kind = failure.status === 429 ? 'rate_limit_error' : 'api_error';
    const error = {
      gemini: { error: { code: failure.status, message, status } },
      anthropic: { type: 'error', error: { type: kind, message } },
      openai: { error: { message, type: kind, code: null, param: null } },
    }[request.provider];
    response.writeHead(failure.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(error));
  }
}

async function readJson(incoming: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  if (chunks.length === 0) return {};
  return JSON.parse(Buffer.concat(chunks).toString('utf8')) as Record<string, unknown>;
}

function describe(incoming: IncomingMessage, body: Record<string, unknown>): ModelRequest | undefined {
  const url = incoming.url ?? '/';
  const { pathname } = new URL(url, 'http://model.invalid');
  const base = { url, headers: incoming.headers, body, prompt: JSON.stringify(body) };
  const gemini = geminiPath.exec(pathname);
  if (gemini !== null) {
    const config = (body['generationConfig'] ?? {}) as Record<string, unknown>;
    const operations = {
      generateContent: 'generate',
      streamGenerateContent: 'stream',
      countTokens: 'count',
    } as const;
    return {
      ...base,
      provider: 'gemini',
      operation: operations[gemini[2] as keyof typeof operations],
      model: gemini[1] ?? '',
      turns: countTurns(body['contents'], 'model'),
      wantsJson: config['responseMimeType'] === 'application/json',
    };
  }
  const operation = body['stream'] === true ? 'stream' : 'generate';
  const model = typeof body['model'] === 'string' ? body['model'] : '';
  switch (pathname) {
    case '/v1/messages': {
      const turns = countTurns(body['messages'], 'assistant');
      return { ...base, provider: 'anthropic', operation, model, turns, wantsJson: false };
    }
    case '/v1/chat/completions': {
      const turns = countTurns(body['messages'], 'assistant');
      return { ...base, provider: 'openai', operation, model, turns, wantsJson: false };
    }
    case '/v1/responses': {
      const input = Array.isArray(body['input']) ? (body['input'] as { type?: string; role?: string }[]) : [];
      const spoken = input.map((entry) => ({ role: isOfModel(entry) ? 'assistant' : 'user' }));
      const turns = countTurns(spoken, 'assistant');
      return { ...base, provider: 'openai', operation, model, turns, wantsJson: false };
    }
    default:
      return undefined;
  }
}

/** Neighbouring entries of the model are one turn: a client may split what it received. */
function countTurns(entries: unknown, role: string): number {
  if (!Array.isArray(entries)) return 0;
  let turns = 0;
  let before = '';
  for (const entry of entries as { role?: string }[]) {
    const now = entry.role ?? 'user';
    if (now === role && before !== role) turns += 1;
    before = now;
  }
  return turns;
}
