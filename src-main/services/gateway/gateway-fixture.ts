import { mkdtemp, rm } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { RunCall } from '../../contract/config.ts';
import { openRunGateway } from './gateway.ts';
import type { ModelUsage, NetworkDecision, RunGateway, RunGatewayOptions } from './ports.ts';

/** A gateway in a temporary folder, with all that it reported. */
export interface OpenedGateway {
  gateway: RunGateway;
  /** What reached the core, as `[verb, value]`. */
  reports: [string, unknown][];
  usage: ModelUsage[];
  decisions: NetworkDecision[];
  clock: { now(): number; at: number };
}

/** Every verb of the run API. */
export const everyCall = RunCall.options;

/** A run on ticket `T-acme-1` unless said otherwise; closed with the test. */
export async function openForTest(options: Partial<RunGatewayOptions> = {}): Promise<OpenedGateway> {
  const folder = await mkdtemp(join(tmpdir(), 'gw-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const reports: [string, unknown][] = [];
  const usage: ModelUsage[] = [];
  const decisions: NetworkDecision[] = [];
  const clock = { at: 1_000_000, now: () => clock.at };
  const take = (verb: string) => (value: unknown) => {
    reports.push([verb, value]);
    return Promise.resolve({ ok: true as const, value: null });
  };
  const gateway = await openRunGateway({
    folder,
    owner: null,
    run: { id: 'R-test-0001', role: 'executor', ticket: 'T-acme-1', brand: 'acme', calls: everyCall },
    reports: {
      result: take('result'),
      verdict: take('verdict'),
      progress: take('progress'),
      comment: take('comment'),
      brief: () => 'Write the file.',
    },
    network: [],
    models: [],
    stopped: () => null,
    budget: () => ({ allowed: true, reason: '' }),
    onUsage: (used) => usage.push(used),
    onDecision: (decision) => decisions.push(decision),
    clock,
    ...options,
  });
  onTestFinished(() => gateway.close());
  return { gateway, reports, usage, decisions, clock };
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  /** The text's JSON, or undefined. */
  json: unknown;
}

export interface Call {
  method?: string;
  path: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
}

/** One request over a run's socket, answered whole. */
export async function call(socketPath: string, { method, path, headers, body }: Call): Promise<Answer> {
  const response = await begin(socketPath, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    path,
    headers,
    body,
  });
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  return { status: response.statusCode ?? 0, headers: response.headers, text, json };
}

/** One request over a run's socket; resolves with the answer's head, its body still to be read. */
export function begin(
  socketPath: string,
  {
    method,
    path,
    headers,
    body,
  }: {
    method: string;
    path: string;
    headers?: Record<string, string> | undefined;
    body?: string | Buffer | undefined;
  },
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const length = { 'content-length': String(Buffer.byteLength(body ?? '')) };
    const type = { 'content-type': 'application/json' };
    const request = httpRequest({ socketPath, method, path, headers: { ...length, ...type, ...headers } });
    request.on('response', resolve);
    request.on('error', reject);
    request.end(body);
  });
}

/** A POST of JSON. */
export function post(socketPath: string, path: string, value: unknown): Promise<Answer> {
  return call(socketPath, { path, body: JSON.stringify(value) });
}
