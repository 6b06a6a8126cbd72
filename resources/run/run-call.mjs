// What is said to the core over the run's own socket, by `atrium` and by Atrium's own agent programs.
import { execFileSync } from 'node:child_process';
import { request } from 'node:http';

const answerMs = 60_000;

/** What was refused, or could not be asked: an exit code of `atrium`, the code that the core gave, a sentence, and what to do. */
export class Failure extends Error {
  constructor(exitCode, code, message, hint = '') {
    super(message);
    Object.assign(this, { exitCode, code, hint });
  }
}

/** A variable that every run has. */
export function fromEnvironment(name) {
  const value = process.env[name];
  if (value === undefined || value === '')
    throw new Failure(1, 'not-a-run', `${name} is not set: this works inside a run only.`);
  return value;
}

function git(...args) {
  try {
    return execFileSync('git', args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 64 * 1024 * 1024,
    });
  } catch (error) {
    const said = String(error.stderr ?? error.message)
      .trim()
      .split('\n')[0];
    throw new Failure(
      1,
      'git',
      `git ${args[0]} did not work here: ${said}`,
      'Run this inside the checkout, with the work committed.',
    );
  }
}

/** Calls the run API; resolves with its JSON, and throws what was refused. */
export async function call(method, path, body, timeout = answerMs) {
  const socketPath = fromEnvironment('ATRIUM_SOCKET');
  const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
  const headers =
    bytes === undefined ? {} : { 'content-type': 'application/json', 'content-length': bytes.length };
  const { status, text } = await new Promise((resolve, reject) => {
    // An agent of its own, so that no proxy variable leads the call away from the socket.
    const outgoing = request({ socketPath, method, path, headers, agent: false, timeout });
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer')));
    outgoing.on('error', (error) => {
      reject(
        new Failure(
          3,
          'core-unreachable',
          `The core does not answer on the run's socket (${error.code ?? error.message}).`,
        ),
      );
    });
    outgoing.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode, text }));
      response.on('error', reject);
    });
    outgoing.end(bytes);
  });
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Failure(1, 'fault', `The core answered ${status} without JSON.`);
  }
  if (status === 200) return value;
  throw new Failure(
    1,
    value?.error?.code ?? 'fault',
    value?.error?.message ?? `The core answered ${status}.`,
    value?.error?.hint,
  );
}

/** Submits the work that is checked out and committed: the ticket, HEAD and the changed files are filled in. */
export function submitWork(summary) {
  const commit = git('rev-parse', 'HEAD').trim();
  const base = fromEnvironment('ATRIUM_BASE');
  const files = git('diff', '--name-only', '--no-renames', '-z', base, commit)
    .split('\0')
    .filter((file) => file !== '');
  const ticket = fromEnvironment('ATRIUM_TICKET');
  return call('POST', '/api/run/result', { ticket, commit, summary, commands: [], files });
}
