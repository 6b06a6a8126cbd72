import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { pipeline, Transform } from 'node:stream';
import type { Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { parseJson, readBody } from './body.ts';
import { findModelExit } from './model-exits.ts';
import { runHeaders, upstreamHeaders, wireError } from './model-wire.ts';
import type { ModelRoute } from './model-wire.ts';
import type { GatewayLimits, ModelProvider, ModelUpstream, ModelUsage } from './ports.ts';
import { createUsageMeter } from './usage-meter.ts';
import type { UsageMeter } from './usage-meter.ts';

/** What the forwarding of model calls rests on; see `RunGatewayOptions`. */
export interface ModelForwardOptions {
  models: readonly ModelUpstream[];
  allowModel(model: string): boolean;
  stopped(text: string): string | null;
  budget(): { allowed: boolean; reason: string };
  onUsage(usage: ModelUsage): void;
  limits: GatewayLimits;
}

/** Takes model calls to their providers. The key is put on here and nowhere else. */
export interface ModelForward {
  /** Resolves when the answer has been sent, or cut, and its usage reported. */
  handle(route: ModelRoute, request: IncomingMessage, response: ServerResponse): Promise<void>;
  close(): void;
}

const errorBodyBytes = 256 * 1024;
const titles = { gemini: 'Gemini', anthropic: 'Anthropic', openai: 'OpenAI' } as const;

export function createModelForward(options: ModelForwardOptions): ModelForward {
  const http = new HttpAgent({ keepAlive: true });
  const https = new HttpsAgent({ keepAlive: true });

  const send = (target: URL, headers: Record<string, string | string[]>): ClientRequest =>
    target.protocol === 'https:'
      ? httpsRequest(target, { method: 'POST', headers, agent: https })
      : httpRequest(target, { method: 'POST', headers, agent: http });

  const forward = async (
    route: ModelRoute,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> => {
    const { provider } = route;
    const upstream = options.models.find((model) => model.provider === provider);
    if (upstream === undefined) {
      refuse(response, provider, 503, `No ${titles[provider]} models are configured for this run.`);
      return;
    }
    const prepared = await prepare(route, request, options);
    if (!prepared.ok) {
      refuse(response, provider, prepared.status, prepared.message);
      return;
    }
    const budget = options.budget();
    if (!budget.allowed) {
      refuse(response, provider, 402, `The budget does not allow another model call: ${budget.reason}`);
      return;
    }
    const key = upstream.key();
    if (key === undefined || key === '') {
      refuse(response, provider, 503, `${titles[provider]} is configured, but its key was not found.`);
      return;
    }
    const target = new URL(upstream.baseUrl.replace(/\/+$/, '') + route.path);
    const headers = upstreamHeaders(provider, request.headers, key, prepared.body.length);
    await exchange({
      send: () => send(target, headers),
      body: prepared.body,
      response,
      provider,
      key,
      silenceMs: options.limits.silenceMs,
      onAnswered: (meter, complete) => {
        if (!route.metered) return;
        const tokens = meter.settle(complete, prepared.body.length);
        options.onUsage({ provider, model: prepared.model, ...tokens });
      },
    });
  };

  let inHand = 0;
  return {
    async handle(route, request, response) {
      if (inHand >= options.limits.modelCalls) {
        const message = `This run has ${inHand} model calls in hand, the most it may have at one time.`;
        refuse(response, route.provider, 429, message);
        return;
      }
      inHand += 1;
      try {
        await forward(route, request, response);
      } finally {
        inHand -= 1;
      }
    },
    close() {
      http.destroy();
      https.destroy();
    },
  };
}

type Prepared = { ok: true; body: Buffer; model: string } | { ok: false; status: number; message: string };

async function prepare(
  route: ModelRoute,
  request: IncomingMessage,
  options: ModelForwardOptions,
): Promise<Prepared> {
  const reading = await readBody(request, options.limits.modelBodyBytes);
  if (!reading.ok) {
    const status = reading.reason === 'too-large' ? 413 : 400;
    return {
      ok: false,
      status,
      message: `The request is larger than ${options.limits.modelBodyBytes} bytes, or was cut.`,
    };
  }
  const value = parseJson(reading.bytes)?.value;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { ok: false, status: 400, message: 'The request is not a JSON object.' };
  }
  const body = value as Record<string, unknown>;
  const model = route.model ?? body['model'];
  if (typeof model !== 'string' || model === '' || model.length > 200) {
    return { ok: false, status: 400, message: 'The request names no model.' };
  }
  if (!options.allowModel(model))
    return { ok: false, status: 403, message: `This run may not use the model ${model}.` };
  const exit = findModelExit(route.provider, body);
  if (exit !== null) {
    const message = `"${exit}" would make the provider reach the network for this run, past its network list.`;
    return { ok: false, status: 403, message };
  }
  // What stands in the address and in the headers that are passed on leaves as well as the body does.
  const headers = Object.values(upstreamHeaders(route.provider, request.headers, '', 0)).flat();
  const why = options.stopped([route.path, ...headers, allText(body)].join('\n'));
  if (why !== null) return { ok: false, status: 403, message: `The request does not leave: ${why}.` };
  // Without this a stream of chat completions carries no usage.
  if (route.path.startsWith('/v1/chat/completions') && body['stream'] === true) {
    body['stream_options'] = { ...(body['stream_options'] as object | undefined), include_usage: true };
  }
  // Written anew: with a field given twice, the provider could read another value than the one that was looked at.
  return { ok: true, body: Buffer.from(JSON.stringify(body)), model };
}

/** Every string of a request, as whoever reads it would: not as JSON spells it. */
function allText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return '';
  return Object.entries(value)
    .map(([key, part]) => `${key} ${allText(part)}`)
    .join('\n');
}

interface Exchange {
  send(): ClientRequest;
  body: Buffer;
  response: ServerResponse;
  provider: ModelProvider;
  key: string;
  silenceMs: number;
  onAnswered(meter: UsageMeter, complete: boolean): void;
}

function exchange(call: Exchange): Promise<void> {
  const { response, provider } = call;
  return new Promise((resolve) => {
    let outgoing: ClientRequest;
    let handedOver = false;
    const fail = (status: number, message: string): void => {
      if (handedOver) return;
      handedOver = true;
      refuse(response, provider, status, message);
      outgoing.destroy();
      resolve();
    };
    const answered = (answer: IncomingMessage): void => {
      if (handedOver) {
        answer.destroy();
        return;
      }
      const status = answer.statusCode ?? 502;
      if (status >= 300 && status < 400) {
        fail(502, `${titles[provider]} answered with a redirect (${status}), which is not followed.`);
        return;
      }
      const decoded = decode(answer);
      if (decoded === undefined) {
        fail(502, `${titles[provider]} answered in an encoding that was not asked for.`);
        return;
      }
      handedOver = true;
      const sent =
        status >= 300 ? sendError(call, answer, decoded, status) : sendAnswer(call, answer, decoded, status);
      void sent.then(resolve);
    };
    const begin = (again: boolean): void => {
      outgoing = call.send();
      const sent = outgoing;
      sent.setTimeout(call.silenceMs, () => {
        fail(504, `${titles[provider]} did not answer within ${call.silenceMs} ms.`);
        sent.destroy();
      });
      sent.on('error', (error: NodeJS.ErrnoException) => {
        // A kept connection that the provider closed in the moment of its use says nothing about the call.
        if (!handedOver && !again && sent.reusedSocket && error.code === 'ECONNRESET') begin(true);
        else
          fail(
            502,
            `${titles[provider]} could not be reached${error.code === undefined ? '' : ` (${error.code})`}.`,
          );
      });
      sent.on('response', answered);
      sent.end(call.body);
    };
    response.once('close', () => {
      if (handedOver) return;
      handedOver = true;
      // The provider may have begun: what it was asked is counted, by its size.
      if (outgoing.writableFinished) call.onAnswered(createUsageMeter(provider, true), false);
      outgoing.destroy();
      resolve();
    });
    begin(false);
  });
}

/** Streams an answer through; the pipeline holds the provider back when the run reads slowly, and ends it when the run goes. */
function sendAnswer(
  call: Exchange,
  answer: IncomingMessage,
  decoded: Readable,
  status: number,
): Promise<void> {
  const stream = (answer.headers['content-type'] ?? '').includes('text/event-stream');
  const meter = createUsageMeter(call.provider, stream);
  const tap = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      meter.push(chunk);
      done(null, chunk);
    },
  });
  call.response.writeHead(status, runHeaders(answer.headers));
  call.response.flushHeaders();
  return new Promise((resolve) => {
    pipeline(decoded, tap, call.response, (error) => {
      if (error) {
        answer.destroy();
        call.response.destroy();
      }
      call.onAnswered(meter, !error);
      resolve();
    });
  });
}

/** An error's text is looked through before the run sees it: some providers quote the key that they refuse. */
async function sendError(
  call: Exchange,
  answer: IncomingMessage,
  decoded: Readable,
  status: number,
): Promise<void> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of decoded) {
      size += (chunk as Buffer).length;
      if (size > errorBodyBytes) break;
      chunks.push(chunk as Buffer);
    }
  } catch {
    // What arrived of a broken error is sent as it is.
  }
  answer.destroy();
  const text = Buffer.concat(chunks).toString('utf8').replaceAll(call.key, '[key]');
  call.response.writeHead(status, runHeaders(answer.headers));
  call.response.end(text);
}

function decode(answer: IncomingMessage): Readable | undefined {
  const encoding = answer.headers['content-encoding'] ?? 'identity';
  if (encoding === 'identity') return answer;
  const decoder =
    encoding === 'gzip'
      ? createGunzip()
      : encoding === 'br'
        ? createBrotliDecompress()
        : encoding === 'deflate'
          ? createInflate()
          : undefined;
  if (decoder === undefined) return undefined;
  return pipeline(answer, decoder, () => undefined);
}

/** Answers with a sentence of the gateway's own in the provider's form. */
export function refuse(
  response: ServerResponse,
  provider: ModelProvider,
  status: number,
  message: string,
): void {
  if (response.headersSent || response.destroyed) return;
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  // The rest of a body that was not read would be taken for the next request.
  if (status === 413 || status === 400) headers['connection'] = 'close';
  response.writeHead(status, headers);
  response.end(JSON.stringify(wireError(provider, status, message)));
}
