import { EventEmitter, once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { begin, call } from './gateway-fixture.ts';
import { gemini, geminiStream, key, message, question, scripted, upstream } from './model-fixture.ts';

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

describe('a model call', () => {
  test('reaches Gemini with the real key; what the run sent as its own is taken off', async () => {
    const { gateway, server, usage } = await scripted([
      { text: 'Hello there.', usage: { input: 120, output: 7, cached: 20 } },
    ]);
    const answer = await call(gateway.socketPath, {
      path: `${gemini}?key=dummy&access_token=dummy&alt=json`,
      headers: {
        'x-goog-api-key': 'dummy',
        authorization: 'Bearer dummy',
        'x-api-key': 'dummy',
        cookie: 'dummy',
        host: 'dummy',
      },
      body: question,
    });
    expect(answer.status).toBe(200);
    expect(answer.text).toContain('Hello there.');
    const [request] = server.requests;
    expect(request?.headers['x-goog-api-key']).toBe(key);
    expect(JSON.stringify([request?.url, request?.headers])).not.toContain('dummy');
    expect(request?.headers.host).toBe(new URL(server.url).host);
    expect(request?.headers['accept-encoding']).toBe('identity');
    const used = {
      provider: 'gemini',
      model: 'gemini-2.5-flash',
      inputTokens: 120,
      outputTokens: 7,
      cachedTokens: 20,
      estimated: false,
    };
    await gateway.idle();
    expect(usage).toEqual([used]);
    expect(gateway.usage()).toEqual({ calls: 1, inputTokens: 120, outputTokens: 7, cachedTokens: 20 });
  });

  test('is looked through whole: its body, its address and the headers that are passed on', async () => {
    const stopped = (text: string) => (text.includes('words-of-another') ? 'it holds words' : null);
    const { gateway, server } = await scripted([{ text: 'Hello there.' }], { stopped });
    const words = 'words-of-another';
    const calls = [
      { path: gemini, body: JSON.stringify({ contents: [{ role: 'user', parts: [{ text: words }] }] }) },
      { path: gemini.replace('gemini-2.5-flash', `gemini-${words}`), body: question },
      ...['user-agent', 'x-goog-api-client', 'anthropic-beta', 'x-stainless-os'].map((name) => ({
        ...{ path: gemini, body: question, headers: { [name]: words } },
      })),
    ];
    for (const one of calls) expect([one, (await call(gateway.socketPath, one)).status]).toEqual([one, 403]);
    expect(server.requests).toEqual([]);
    expect((await call(gateway.socketPath, { path: gemini, body: question })).status).toBe(200);
  });

  test('is streamed through, and its usage is the last chunk’s', async () => {
    const { gateway, usage } = await scripted([{ text: 'Hello there.', usage: { input: 50, output: 9 } }]);
    const answer = await call(gateway.socketPath, { path: geminiStream, body: question });
    expect(answer.headers['content-type']).toBe('text/event-stream');
    expect(answer.text.match(/^data: /gm)).toHaveLength(2);
    await gateway.idle();
    expect(usage).toMatchObject([{ inputTokens: 50, outputTokens: 9, estimated: false }]);
  });

  test.each([true, false])('reaches Anthropic with the real key, stream %s', async (stream) => {
    const { gateway, server, usage } = await scripted([
      { text: 'Hello.', usage: { input: 80, output: 12, cached: 30 } },
    ]);
    const answer = await call(gateway.socketPath, {
      path: '/v1/messages?beta=true',
      headers: { 'x-api-key': 'dummy', authorization: 'Bearer dummy', 'anthropic-version': '2023-06-01' },
      body: JSON.stringify({ ...message, stream }),
    });
    expect(answer.status).toBe(200);
    expect(server.requests[0]?.headers).toMatchObject({
      'x-api-key': key,
      'anthropic-version': '2023-06-01',
    });
    expect(server.requests[0]?.headers.authorization).toBeUndefined();
    await gateway.idle();
    expect(usage).toEqual([
      {
        provider: 'anthropic',
        model: 'claude-x',
        inputTokens: 80,
        outputTokens: 12,
        cachedTokens: 30,
        estimated: false,
      },
    ]);
  });

  test('to OpenAI asks for the usage of a stream, and counts both of its forms', async () => {
    const seen: { url: string | undefined; body: string; authorization: string | undefined }[] = [];
    const { gateway, usage } = await upstream('openai', (request, response) => {
      void textOf(request).then((body) => {
        seen.push({ url: request.url, body, authorization: request.headers.authorization });
        const chat = request.url?.endsWith('/chat/completions') === true;
        response.writeHead(200, { 'content-type': chat ? 'text/event-stream' : 'application/json' });
        const counts = {
          prompt_tokens: 11,
          completion_tokens: 3,
          prompt_tokens_details: { cached_tokens: 4 },
        };
        if (chat)
          response.end(
            `data: {"choices":[{"delta":{"content":"Hi"}}]}\n\ndata: ${JSON.stringify({ choices: [], usage: counts })}\n\ndata: [DONE]\n\n`,
          );
        else
          response.end(
            JSON.stringify({
              usage: { input_tokens: 21, output_tokens: 5, input_tokens_details: { cached_tokens: 6 } },
            }),
          );
      });
    });
    await call(gateway.socketPath, {
      path: '/v1/chat/completions',
      body: JSON.stringify({ model: 'g', stream: true, messages: [] }),
    });
    await call(gateway.socketPath, {
      path: '/v1/responses',
      body: JSON.stringify({ model: 'g', input: 'hi' }),
    });
    await gateway.idle();
    expect(seen[0]).toMatchObject({ url: '/prefix/v1/chat/completions', authorization: `Bearer ${key}` });
    expect(JSON.parse(seen[0]?.body ?? '')).toMatchObject({ stream_options: { include_usage: true } });
    expect(usage.map((one) => [one.inputTokens, one.outputTokens, one.cachedTokens])).toEqual([
      [11, 3, 4],
      [21, 5, 6],
    ]);
  });

  test('that counts tokens is no usage', async () => {
    const { gateway, server, usage } = await scripted([]);
    const answer = await call(gateway.socketPath, {
      path: '/v1beta/models/gemini-2.5-flash:countTokens',
      body: question,
    });
    expect(answer.status).toBe(200);
    await gateway.idle();
    expect([server.requests.length, usage.length]).toEqual([1, 0]);
  });

  test('answered in gzip all the same is unpacked and counted', async () => {
    const { gateway, usage } = await upstream('gemini', (_request, response) => {
      const body = {
        candidates: [{ finishReason: 'STOP' }],
        usageMetadata: { promptTokenCount: 5, candidatesTokenCount: 2, thoughtsTokenCount: 3 },
      };
      response.writeHead(200, {
        'content-type': 'application/json',
        'content-encoding': 'gzip',
        'set-cookie': 'a=b',
        server: 'x',
      });
      response.end(gzipSync(JSON.stringify(body)));
    });
    const answer = await call(gateway.socketPath, { path: gemini, body: question });
    expect(answer.json).toMatchObject({ usageMetadata: { promptTokenCount: 5 } });
    expect(answer.headers).not.toHaveProperty('set-cookie');
    expect(answer.headers).not.toHaveProperty('server');
    await gateway.idle();
    expect(usage).toMatchObject([{ inputTokens: 5, outputTokens: 5 }]);
  });
});

describe('a model call that ends early', () => {
  test('cut by the provider, is counted once, by estimate', async () => {
    const { gateway, usage } = await scripted({ steps: [], failures: [{ kind: 'cut' }] });
    const response = await begin(gateway.socketPath, { method: 'POST', path: geminiStream, body: question });
    await expect(textOf(response)).rejects.toThrow();
    await gateway.idle();
    expect(usage).toHaveLength(1);
    expect(usage[0]).toMatchObject({ inputTokens: 100, estimated: true });
    expect(usage[0]?.outputTokens).toBeGreaterThan(0);
  });

  test('left by the run, ends at the provider too and is counted once', async () => {
    const events = new EventEmitter();
    const gone = once(events, 'gone');
    const { gateway, usage } = await upstream('anthropic', (request, response) => {
      request.resume();
      response.on('close', () => events.emit('gone'));
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const start = { type: 'message_start', message: { usage: { input_tokens: 900, output_tokens: 1 } } };
      const delta = { type: 'content_block_delta', delta: { type: 'text_delta', text: 'x'.repeat(4_000) } };
      response.write(`data: ${JSON.stringify(start)}\n\ndata: ${JSON.stringify(delta)}\n\n`);
    });
    const body = JSON.stringify({ ...message, stream: true });
    const response = await begin(gateway.socketPath, { method: 'POST', path: '/v1/messages', body });
    await once(response, 'data');
    response.destroy();
    await gone;
    await gateway.idle();
    expect(usage).toHaveLength(1);
    // The provider's own count of the output comes last; leaving before it does not make the output free.
    expect(usage[0]).toMatchObject({ inputTokens: 900, estimated: true });
    expect(usage[0]?.outputTokens).toBeGreaterThanOrEqual(1_000);
  });

  test('left before any answer, ends at the provider and is counted by what was asked', async () => {
    const { gateway, server, usage } = await scripted({ steps: [], failures: [{ kind: 'hang' }] });
    const pending = begin(gateway.socketPath, { method: 'POST', path: gemini, body: question });
    pending.catch(() => undefined);
    await server.arrived(() => true);
    await gateway.close();
    await server.abandoned();
    await expect(pending).rejects.toThrow();
    expect(usage).toHaveLength(1);
    expect(usage[0]?.inputTokens).toBeGreaterThan(0);
  });

  test('is held back when the run reads slowly', async () => {
    let written = 0;
    const events = new EventEmitter();
    const stalled = once(events, 'stalled');
    const total = 64 * 1024 * 1024;
    const { gateway } = await upstream('gemini', (request, response) => {
      request.resume();
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const line = Buffer.from(`data: {"pad":"${'x'.repeat(64 * 1024)}"}\n\n`);
      const fill = (): void => {
        while (written < total) {
          written += line.length;
          if (!response.write(line)) {
            events.emit('stalled');
            response.once('drain', fill);
            return;
          }
        }
        response.end();
      };
      fill();
    });
    const response = await begin(gateway.socketPath, { method: 'POST', path: geminiStream, body: question });
    await stalled;
    expect(written).toBeLessThan(total / 2);
    let read = 0;
    for await (const chunk of response) read += (chunk as Buffer).length;
    expect(read).toBe(written);
  });
});
