import { request } from 'node:http';
import { z } from 'zod';
import { RunApiError } from '../../contract/run-api.ts';

/** What the core answered on the run's socket: its JSON, or why it refused in words for the agent. */
export type Answer = { ok: true; value: unknown } | { ok: false; message: string };

/** So long an answer may take, in milliseconds: a question waits for a person. */
const ANSWER_MS = 10 * 60_000;

/** Calls the run API on its Unix socket. */
export function callCore(
  socketPath: string,
  method: 'GET' | 'POST',
  path: string,
  body?: unknown,
): Promise<Answer> {
  return new Promise((resolve) => {
    const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const headers =
      bytes === undefined ? {} : { 'content-type': 'application/json', 'content-length': bytes.length };
    // An agent of its own, so that no proxy variable leads the call away from the socket.
    const call = request({ socketPath, method, path, headers, agent: false, timeout: ANSWER_MS });
    const unreachable = (why: string) =>
      resolve({ ok: false, message: `The core does not answer on the run's socket (${why}).` });
    call.on('timeout', () => call.destroy(new Error('no answer in time')));
    call.on('error', (error) => unreachable(error.message));
    call.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => (text += piece));
      response.on('error', (error) => unreachable(error.message));
      response.on('end', () => resolve(answerOf(response.statusCode ?? 0, text)));
    });
    call.end(bytes);
  });
}

function answerOf(status: number, text: string): Answer {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, message: `The core answered ${status} without JSON.` };
  }
  if (status === 200) return { ok: true, value };
  const refused = z.object(RunApiError.shape).safeParse(value);
  if (!refused.success) return { ok: false, message: `The core answered ${status}.` };
  const { message, hint } = refused.data.error;
  return { ok: false, message: hint === '' ? message : `${message} ${hint}` };
}
