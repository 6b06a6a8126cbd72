import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { startModelServer } from '../../../tests/support/model-server.ts';
import type { ModelScript, ModelServer } from '../../../tests/support/model-server.ts';
import { openForTest } from './gateway-fixture.ts';
import type { OpenedGateway } from './gateway-fixture.ts';
import type { ModelProvider, RunGatewayOptions } from './ports.ts';

/** The key that stays outside. */
export const key = 'real-key-that-stays-outside';
export const gemini = '/v1beta/models/gemini-2.5-flash:generateContent';
export const geminiStream = '/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse';
export const question = JSON.stringify({ contents: [{ role: 'user', parts: [{ text: 'hello' }] }] });
export const message = { model: 'claude-x', max_tokens: 10, messages: [{ role: 'user', content: 'hello' }] };

/** A gateway before the scripted model, for Gemini and Anthropic. */
export async function scripted(
  script: ModelScript,
  options: Partial<RunGatewayOptions> = {},
): Promise<OpenedGateway & { server: ModelServer }> {
  const server = await startModelServer(script);
  onTestFinished(() => server.close());
  const models = (['gemini', 'anthropic'] as const).map((provider) => ({
    provider,
    baseUrl: server.url,
    key: () => key,
  }));
  return { ...(await openForTest({ models, ...options })), server };
}

/** A gateway before an upstream of the test's own making, for what the scripted one does not do. */
export async function upstream(
  provider: ModelProvider,
  listener: RequestListener,
  options: Partial<RunGatewayOptions> = {},
): Promise<OpenedGateway> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  });
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/prefix/`;
  return openForTest({ models: [{ provider, baseUrl, key: () => key }], ...options });
}
