import { describe, expect, test } from 'vitest';
import { begin, call, openForTest } from './gateway-fixture.ts';
import { gemini, key, message, question, scripted, upstream } from './model-fixture.ts';
import { findModelExit } from './model-exits.ts';

describe('a model call is refused', () => {
  test('when the budget is spent, in the provider’s own form', async () => {
    const { gateway, server } = await scripted([], {
      budget: () => ({ allowed: false, reason: 'the ticket’s cap of 5 USD is spent.' }),
    });
    const answer = await call(gateway.socketPath, { path: gemini, body: question });
    expect(answer.status).toBe(402);
    expect(answer.json).toMatchObject({
      error: {
        code: 402,
        status: 'RESOURCE_EXHAUSTED',
        message: expect.stringContaining('cap of 5 USD') as string,
      },
    });
    const claude = await call(gateway.socketPath, { path: '/v1/messages', body: JSON.stringify(message) });
    expect(claude.json).toMatchObject({ type: 'error', error: { type: 'billing_error' } });
    expect(server.requests).toEqual([]);
  });

  test('once the usage of an earlier one could not be recorded', async () => {
    const broken = (): never => {
      throw new Error('the disk is full');
    };
    const { gateway, server } = await scripted([], { onUsage: broken });
    await call(gateway.socketPath, { path: gemini, body: question });
    expect((await call(gateway.socketPath, { path: gemini, body: question })).status).toBe(402);
    expect(server.requests).toHaveLength(1);
  });

  test('for a model that the run may not use, named in the path or in the body', async () => {
    const { gateway, server } = await scripted([], { allowModel: (model) => model === 'gemini-2.5-pro' });
    expect((await call(gateway.socketPath, { path: gemini, body: question })).status).toBe(403);
    expect(
      (await call(gateway.socketPath, { path: '/v1/messages', body: JSON.stringify(message) })).status,
    ).toBe(403);
    expect(server.requests).toEqual([]);
  });

  test('when it would let the provider reach the network for the run', async () => {
    const { gateway, server } = await scripted([]);
    const contents = [{ role: 'user', parts: [{ text: 'x' }] }];
    const bodies: [string, unknown][] = [
      [gemini, { contents, tools: [{ googleSearch: {} }] }],
      [gemini, { contents, tools: [{ functionDeclarations: [] }, { url_context: {} }] }],
      [gemini, { contents: [{ parts: [{ fileData: { fileUri: 'https://elsewhere.example/?secret' } }] }] }],
      ['/v1/messages', { ...message, tools: [{ type: 'web_search_20250305', name: 'web_search' }] }],
      ['/v1/messages', { ...message, mcp_servers: [{ type: 'url', url: 'https://elsewhere.example' }] }],
      [
        '/v1/messages',
        {
          ...message,
          messages: [
            {
              role: 'user',
              content: [{ type: 'image', source: { type: 'url', url: 'https://e.example/' } }],
            },
          ],
        },
      ],
    ];
    for (const [path, body] of bodies) {
      const answer = await call(gateway.socketPath, { path, body: JSON.stringify(body) });
      expect([path, JSON.stringify(body), answer.status]).toEqual([path, JSON.stringify(body), 403]);
    }
    const hidden = { type: 'namespace', name: 'x', tools: [{ type: 'function' }, { type: 'web_search' }] };
    expect(findModelExit('openai', { tools: [hidden] })).toBe('web_search');
    const twice = '{"tools":[{"googleSearch":{}}],"contents":[],"tools":[]}';
    expect((await call(gateway.socketPath, { path: gemini, body: twice })).status).toBe(200);
    expect(server.requests.map((request) => request.prompt)).toEqual(['{"tools":[],"contents":[]}']);
  });

  test('where the account behind the key would be worked on', async () => {
    const { gateway, server } = await scripted([]);
    for (const path of [
      '/v1beta/files',
      '/v1beta/cachedContents',
      '/v1beta/models/x:batchGenerateContent',
      '/v1/messages/batches',
      '/v1/files',
    ]) {
      expect((await call(gateway.socketPath, { path, body: '{}' })).status).toBe(403);
    }
    expect((await call(gateway.socketPath, { path: gemini, method: 'GET' })).status).toBe(403);
    expect(server.requests).toEqual([]);
  });

  test('where no provider, or no key, or no JSON is there', async () => {
    const none = await openForTest();
    const unknown = await call(none.gateway.socketPath, { path: gemini, body: question });
    expect([unknown.status, unknown.json]).toMatchObject([
      503,
      { error: { message: 'No Gemini models are configured for this run.' } },
    ]);
    const keyless = await openForTest({
      models: [{ provider: 'gemini', baseUrl: 'http://127.0.0.1:1', key: () => undefined }],
    });
    expect((await call(keyless.gateway.socketPath, { path: gemini, body: question })).status).toBe(503);
    const { gateway, usage } = await scripted([]);
    for (const body of ['', '[]', '{', 'null']) {
      expect((await call(gateway.socketPath, { path: gemini, method: 'POST', body })).status).toBe(400);
    }
    expect((await call(gateway.socketPath, { path: '/v1/messages', body: '{"messages":[]}' })).status).toBe(
      400,
    );
    expect(usage).toEqual([]);
  });

  test('while as many as it may have are in hand', async () => {
    const { gateway, server } = await scripted(
      { steps: [], failures: [{ kind: 'hang' }] },
      { limits: { modelCalls: 1 } },
    );
    const first = begin(gateway.socketPath, { method: 'POST', path: gemini, body: question });
    first.catch(() => undefined);
    await server.arrived(() => true);
    expect((await call(gateway.socketPath, { path: gemini, body: question })).status).toBe(429);
    await gateway.close();
    await expect(first).rejects.toThrow();
  });

  test('when it is larger than a model request may be', async () => {
    const { gateway } = await scripted([], { limits: { modelBodyBytes: 1000 } });
    const body = JSON.stringify({ contents: 'x'.repeat(2000) });
    expect((await call(gateway.socketPath, { path: gemini, body })).status).toBe(413);
  });
});

describe('a provider that fails', () => {
  test('and cannot be reached is a 502 that names no address and no key', async () => {
    const { gateway, usage } = await openForTest({
      models: [{ provider: 'gemini', baseUrl: 'http://127.0.0.1:1', key: () => key }],
    });
    const answer = await call(gateway.socketPath, { path: gemini, body: question });
    expect(answer.status).toBe(502);
    expect(answer.text).not.toMatch(/127\.0\.0\.1|real-key/);
    expect(usage).toEqual([]);
  });

  test('passes its status and its wish to wait on, without usage', async () => {
    const { gateway, usage } = await scripted({
      steps: [{ text: 'Now.' }],
      failures: [{ kind: 'status', status: 429 }],
    });
    expect((await call(gateway.socketPath, { path: gemini, body: question })).status).toBe(429);
    expect(usage).toEqual([]);
    expect((await call(gateway.socketPath, { path: gemini, body: question })).status).toBe(200);
    await gateway.idle();
    expect(usage).toHaveLength(1);
  });

  test('and quotes the key does not show it to the run', async () => {
    const { gateway } = await upstream('gemini', (request, response) => {
      response.writeHead(400, { 'content-type': 'application/json', 'retry-after': '3', 'x-echo': key });
      response.end(
        JSON.stringify({
          error: { message: `API key ${String(request.headers['x-goog-api-key'])} not valid` },
        }),
      );
    });
    const answer = await call(gateway.socketPath, { path: gemini, body: question });
    expect(answer.status).toBe(400);
    expect(answer.headers['retry-after']).toBe('3');
    expect(JSON.stringify([answer.headers, answer.text])).not.toContain(key);
  });

  test('and closes a kept connection in the moment of its use is asked once more', async () => {
    const seen = new WeakSet<object>();
    let cut = 0;
    const { gateway, usage } = await upstream('gemini', (request, response) => {
      if (seen.has(request.socket)) {
        cut += 1;
        request.socket.destroy();
        return;
      }
      seen.add(request.socket);
      request.resume();
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end('{"candidates":[],"usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":1}}');
    });
    expect((await call(gateway.socketPath, { path: gemini, body: question })).status).toBe(200);
    expect((await call(gateway.socketPath, { path: gemini, body: question })).status).toBe(200);
    await gateway.idle();
    expect([cut, usage.length]).toEqual([1, 2]);
  });

  test('and redirects is not followed', async () => {
    const { gateway } = await upstream('gemini', (_request, response) => {
      response.writeHead(307, { location: 'http://elsewhere.example/' });
      response.end();
    });
    expect((await call(gateway.socketPath, { path: gemini, body: question })).status).toBe(502);
  });

  test('and stays silent is a 504', async () => {
    const { gateway } = await scripted(
      { steps: [], failures: [{ kind: 'hang' }] },
      { limits: { silenceMs: 100 } },
    );
    expect((await call(gateway.socketPath, { path: gemini, body: question })).status).toBe(504);
  });

  test('and sends malformed JSON is passed on, and counted by estimate', async () => {
    const { gateway, usage } = await scripted({ steps: [], failures: [{ kind: 'malformed' }] });
    expect((await call(gateway.socketPath, { path: gemini, body: question })).text).toBe(
      '{"candidates": [tru',
    );
    await gateway.idle();
    expect(usage).toMatchObject([{ estimated: true }]);
  });
});
