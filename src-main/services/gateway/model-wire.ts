import type { ModelProvider } from './ports.ts';

/** A model call by its path: where it goes upstream, and what is known of it before its body is read. */
export interface ModelRoute {
  provider: ModelProvider;
  /** Path and query for upstream, built anew: nothing of the run's own query but what is named here. */
  path: string;
  /** The model where the path names it; else the body does. */
  model: string | null;
  /** Counting tokens costs nothing. */
  metered: boolean;
}

/** Whether the path belongs to a provider's API, with its route where this gateway forwards it. */
export type RouteReading =
  { kind: 'none' } | { kind: 'closed'; provider: ModelProvider } | { kind: 'open'; route: ModelRoute };

const geminiCall =
  /^\/(v1|v1beta)\/models\/([A-Za-z0-9][A-Za-z0-9._-]{0,127})(?::|%3[Aa])(generateContent|streamGenerateContent|countTokens)$/;

/** Reads a path. Files, caches, tuning and whatever else works on the account behind the key is closed. */
export function readModelRoute(method: string, url: URL): RouteReading {
  const { pathname, searchParams } = url;
  const post = method === 'POST';
  const gemini = geminiCall.exec(pathname);
  if (gemini !== null && post) {
    const [, version, model = '', operation] = gemini;
    const query = searchParams.get('alt') === 'sse' ? '?alt=sse' : '';
    const path = `/${version}/models/${model}:${operation}${query}`;
    return { kind: 'open', route: { provider: 'gemini', path, model, metered: operation !== 'countTokens' } };
  }
  if (pathname.startsWith('/v1beta/') || pathname.startsWith('/v1/models/'))
    return { kind: 'closed', provider: 'gemini' };
  if (post && (pathname === '/v1/messages' || pathname === '/v1/messages/count_tokens')) {
    const query = searchParams.get('beta') === 'true' ? '?beta=true' : '';
    const metered = pathname === '/v1/messages';
    return { kind: 'open', route: { provider: 'anthropic', path: pathname + query, model: null, metered } };
  }
  if (pathname.startsWith('/v1/messages')) return { kind: 'closed', provider: 'anthropic' };
  if (post && (pathname === '/v1/responses' || pathname === '/v1/chat/completions')) {
    return { kind: 'open', route: { provider: 'openai', path: pathname, model: null, metered: true } };
  }
  if (pathname.startsWith('/v1/')) return { kind: 'closed', provider: 'openai' };
  return { kind: 'none' };
}

const forwarded = new Set([
  'accept',
  'content-type',
  'user-agent',
  'x-goog-api-client',
  'openai-beta',
  'x-app',
]);
const forwardedFamilies = ['anthropic-', 'x-stainless-'];

/** The headers for upstream: a closed list, so that no key of the run's and no address gets through, and the real key. */
export function upstreamHeaders(
  provider: ModelProvider,
  inbound: NodeJS.Dict<string | string[]>,
  key: string,
  length: number,
): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(inbound)) {
    if (value === undefined) continue;
    if (forwarded.has(name) || forwardedFamilies.some((family) => name.startsWith(family)))
      headers[name] = value;
  }
  headers['accept-encoding'] = 'identity';
  headers['content-length'] = String(length);
  if (provider === 'gemini') headers['x-goog-api-key'] = key;
  else if (provider === 'anthropic') headers['x-api-key'] = key;
  else headers['authorization'] = `Bearer ${key}`;
  return headers;
}

const returned = [
  'content-type',
  'cache-control',
  'retry-after',
  'retry-after-ms',
  'x-should-retry',
  'request-id',
  'x-request-id',
];

/** What of upstream's headers the run gets to see. */
export function runHeaders(upstream: NodeJS.Dict<string | string[]>): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (const name of returned) {
    const value = upstream[name];
    if (value !== undefined) headers[name] = value;
  }
  return headers;
}

const geminiStatus: Record<number, string> = {
  400: 'INVALID_ARGUMENT',
  402: 'RESOURCE_EXHAUSTED',
  403: 'PERMISSION_DENIED',
  408: 'DEADLINE_EXCEEDED',
  413: 'INVALID_ARGUMENT',
  429: 'RESOURCE_EXHAUSTED',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};

const anthropicType: Record<number, string> = {
  400: 'invalid_request_error',
  402: 'billing_error',
  403: 'permission_error',
  408: 'timeout_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  504: 'timeout_error',
};

const openaiCode: Record<number, string> = {
  402: 'insufficient_quota',
  403: 'permission_denied',
  413: 'request_too_large',
  429: 'rate_limit_exceeded',
  503: 'not_configured',
};

/** A refusal of the gateway's own in the provider's form, so that the agent program shows its sentence. */
export function wireError(provider: ModelProvider, status: number, message: string): unknown {
  if (provider === 'gemini')
    return { error: { code: status, message, status: geminiStatus[status] ?? 'UNKNOWN' } };
  if (provider === 'anthropic')
    return { type: 'error', error: { type: anthropicType[status] ?? 'api_error', message } };
  return {
    error: {
      message,
      type: status < 500 ? 'invalid_request_error' : 'server_error',
      code: openaiCode[status] ?? null,
      param: null,
    },
  };
}
