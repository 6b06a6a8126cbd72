import { expect, test } from 'vitest';
import { driveClaude } from './claude-drive.ts';
import { driven } from './drive-fixture.ts';
import type { Driven, Message } from './drive-fixture.ts';

/** A run whose program writes the given lines; `NONCE` in one stands for what the driver drew. */
function drive(...lines: Message[]): Promise<Driven> {
  return driven(driveClaude, (message, say) => {
    if (message['request_id'] !== 'initialize') return;
    const nonce = /"PreToolUse:([0-9a-f-]+)"/.exec(JSON.stringify(message))?.[1] ?? '';
    for (const line of lines) say(JSON.parse(JSON.stringify(line).replace('NONCE', nonce)) as Message);
  });
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
  expect(JSON.stringify(sent)).not.toContain('Do it.');
});

test.each([
  [{ ...end, stop_reason: 'refusal' }, 'failed', false],
  [{ ...end, stop_reason: 'max_tokens' }, 'failed', false],
  [{ ...end, is_error: true, api_error_status: 529, result: 'overloaded' }, 'failed', true],
  [{ ...end, is_error: true, api_error_status: 400, result: 'bad' }, 'failed', false],
])('what %j means', async (result, outcome, transient) => {
  expect((await drive(started, result)).outcome).toMatchObject({ outcome, transient });
});
