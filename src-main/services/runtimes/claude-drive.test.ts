import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { driveClaude } from './claude-drive.ts';
import type { DriveHooks, RuntimeOutcome } from './port.ts';

/** A process whose output is the given lines; `NONCE` in one stands for what the driver drew. */
async function drive(
  ...lines: Record<string, unknown>[]
): Promise<{ outcome: RuntimeOutcome; sent: string[] }> {
  const stdin = new PassThrough();
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const sent: string[] = [];
  stdin.on('data', (chunk: Buffer) => sent.push(...chunk.toString('utf8').trim().split('\n')));
  const hooks: DriveHooks = {
    onEvent: () => undefined,
    decide: () => Promise.resolve({ decision: 'allow', rule: 'test', reason: 'fine' }),
    signal: new AbortController().signal,
    now: () => 0,
    after: () => () => undefined,
    limits: { quietMs: 1_000, totalMs: 1_000, maxOutputBytes: 100_000 },
  };
  const task = {
    ticket: 'T-a-1',
    prompt: 'Do it.',
    command: null,
    model: null,
    title: 't',
    gatewayUrl: '',
    session: null,
    tools: null,
  };
  const stop = (): Promise<void> => {
    stdout.end();
    stderr.end();
    return Promise.resolve();
  };
  const driven = driveClaude(
    { stdin, stdout, stderr, exited: new Promise(() => undefined), stop },
    task,
    hooks,
  );
  const [initialize = ''] = sent;
  const nonce = /"PreToolUse:([0-9a-f-]+)"/.exec(initialize)?.[1] ?? '';
  for (const line of lines) stdout.write(`${JSON.stringify(line).replace('NONCE', nonce)}\n`);
  return { outcome: await driven, sent };
}

const started = { type: 'control_response', response: { subtype: 'success', request_id: 'initialize' } };
const checkIn = {
  type: 'control_request',
  request_id: 'r0',
  request: {
    subtype: 'hook_callback',
    callback_id: 'UserPromptSubmit:NONCE',
    input: { hook_event_name: 'UserPromptSubmit' },
  },
};
const call = {
  type: 'assistant',
  message: { content: [{ type: 'tool_use', id: 'c1', name: 'Write', input: { file_path: '/work/a' } }] },
};
const asked = {
  type: 'control_request',
  request_id: 'r1',
  request: {
    subtype: 'hook_callback',
    callback_id: 'PreToolUse:NONCE',
    input: { tool_name: 'Write', tool_input: { file_path: '/work/a' }, tool_use_id: 'c1' },
  },
};
const done = {
  type: 'user',
  message: { content: [{ type: 'tool_result', tool_use_id: 'c1', content: 'ok' }] },
};
const end = { type: 'result', subtype: 'success', is_error: false, stop_reason: 'end_turn', usage: {} };

test('a call that was decided on goes on', async () => {
  expect((await drive(started, checkIn, call, asked, done, end)).outcome).toMatchObject({ outcome: 'done' });
});

test('a call that was carried out without a decision ends the run', async () => {
  const { outcome } = await drive(started, checkIn, call, done, end);
  expect(outcome.outcome).toBe('failed');
  expect(outcome.reason).toMatch(/Write that was not decided on/);
});

test.each([
  ['without a check-in', [started, call, asked, done, end]],
  [
    'with another nonce',
    [started, { ...checkIn, request: { ...checkIn.request, callback_id: 'UserPromptSubmit:x' } }, call],
  ],
])('an agent that begins %s is ended: its hooks may not be live', async (_how, lines) => {
  const { outcome } = await drive(...lines);
  expect(outcome).toMatchObject({ outcome: 'failed' });
  expect(outcome.reason).toMatch(/did not check in/);
});

test('a call whose hook is not the one that was set has no decision', async () => {
  const forged = { ...asked, request: { ...asked.request, callback_id: 'PreToolUse:x' } };
  const { outcome } = await drive(started, checkIn, call, forged, done, end);
  expect(outcome.reason).toMatch(/Write that was not decided on/);
});

test('the brief is not sent where the hook was not taken', async () => {
  const response = { subtype: 'error', request_id: 'initialize', error: 'hooks are off' };
  const { outcome, sent } = await drive({ type: 'control_response', response });
  expect(outcome.reason).toMatch(/hooks are off/);
  expect(sent.join('\n')).not.toContain('Do it.');
});

test.each([
  [{ ...end, stop_reason: 'refusal' }, 'failed', false],
  [{ ...end, stop_reason: 'max_tokens' }, 'failed', false],
  [{ ...end, is_error: true, api_error_status: 529, result: 'overloaded' }, 'failed', true],
  [{ ...end, is_error: true, api_error_status: 400, result: 'bad' }, 'failed', false],
])('what %j means', async (result, outcome, transient) => {
  expect((await drive(started, result)).outcome).toMatchObject({ outcome, transient });
});
