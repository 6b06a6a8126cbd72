import { describe, expect, test } from 'vitest';
import { driveCodex } from './codex-drive.ts';
import { driven, inTurn } from './drive-fixture.ts';
import type { Driven, Message } from './drive-fixture.ts';
import type { PermissionDecision } from './port.ts';

const asking = { approvalPolicy: 'untrusted', approvalsReviewer: 'user' };

/** A run of Codex's that does what the messages say, on the terms that it names. */
function run(
  messages: readonly Message[],
  decision: PermissionDecision['decision'] = 'allow',
  terms: Message = asking,
): Promise<Driven> {
  const turn = inTurn(messages, (say) =>
    say({ method: 'turn/completed', params: { turn: { status: 'completed' } } }),
  );
  const hear = ({ id, method }: Message, say: (message: Message) => void): void => {
    if (method === 'initialize') say({ id, result: {} });
    if (method === 'thread/start') say({ id, result: { thread: { id: 't' }, ...terms } });
    if (method === 'turn/start') say({ id, result: { turn: { id: 'u' } } });
    if (method === 'turn/start' || method === undefined) turn.next(say);
  };
  return driven(driveCodex, hear, { decision });
}

const item = (state: 'started' | 'completed', fields: Message): Message => ({
  method: `item/${state}`,
  params: { item: { id: 'c1', ...fields } },
});
const command = { type: 'commandExecution', command: 'ls' };
const begun = item('started', { ...command, status: 'inProgress' });
const done = item('completed', { ...command, status: 'completed', exitCode: 0 });
const asked = { id: 'q1', method: 'item/commandExecution/requestApproval', params: { itemId: 'c1' } };

describe('a command of Codex', () => {
  test('that was decided on goes on', async () => {
    expect((await run([begun, asked, done])).outcome).toMatchObject({ outcome: 'done' });
  });

  test('that was carried out without a decision ends the run', async () => {
    const { outcome } = await run([begun, done]);
    expect(outcome.outcome).toBe('failed');
    expect(outcome.reason).toMatch(/shell that was not decided on/);
  });

  test('that was carried out against a decision ends the run', async () => {
    const { outcome, sent } = await run([begun, asked, done], 'deny');
    expect(sent).toContainEqual({ id: 'q1', result: { decision: 'decline' } });
    expect(outcome.reason).toMatch(/shell that was denied/);
  });
});

describe('a call of a tool of a server', () => {
  const call = { type: 'mcpToolCall', server: 'atrium', tool: 'ask', arguments: { text: 'x' } };
  const [started, ended] = [
    item('started', { ...call, status: 'inProgress' }),
    item('completed', { ...call, status: 'completed' }),
  ];
  const leave = (change: Message = {}): Message => ({
    id: 'q1',
    method: 'mcpServer/elicitation/request',
    params: {
      serverName: 'atrium',
      _meta: {
        codex_approval_kind: 'mcp_tool_call',
        tool_name: 'ask',
        tool_params: { text: 'x' },
        ...change,
      },
    },
  });
  const answer = (action: string) => ({ id: 'q1', result: expect.objectContaining({ action }) as unknown });

  test('is decided on by what it is called with', async () => {
    const { outcome, sent, events } = await run([started, leave(), ended]);
    expect(sent).toContainEqual(answer('accept'));
    expect(outcome.outcome).toBe('done');
    expect(events).toContainEqual(
      expect.objectContaining({ kind: 'permission', tool: 'mcp__atrium__ask', decision: 'allow' }),
    );
  });

  test('that is carried out without a decision, or against one, ends the run', async () => {
    expect((await run([started, ended])).outcome.reason).toMatch(/mcp__atrium__ask that was not decided on/);
    const denied = await run([started, leave(), ended], 'deny');
    expect(denied.sent).toContainEqual(answer('decline'));
    expect(denied.outcome.reason).toMatch(/mcp__atrium__ask that was denied/);
  });

  test.each([
    ['names another tool', { tool_name: 'submit_result' }],
    ['has other arguments', { tool_params: { text: 'y' } }],
    ["is a question of the server's own", { codex_approval_kind: 'form' }],
  ])('is no other for leave that %s: it is declined, and decides nothing', async (_what, change) => {
    const { outcome, sent } = await run([started, leave(change), ended]);
    expect(sent).toContainEqual(answer('decline'));
    expect(outcome.reason).toMatch(/not decided on/);
  });

  test('leave for one call is not leave for the next like it', async () => {
    const again = item('started', { ...call, id: 'c2', status: 'inProgress' });
    const carriedOut = item('completed', { ...call, id: 'c2', status: 'completed' });
    expect((await run([started, leave(), ended, again, carriedOut])).outcome.reason).toMatch(
      /not decided on/,
    );
  });
});

test.each([{ approvalPolicy: 'never' }, { approvalsReviewer: 'guardian' }])(
  'the brief is not sent where the program does not ask us: %j',
  async (terms) => {
    const { outcome, sent } = await run([], 'allow', { ...asking, ...terms });
    expect(outcome.reason).toMatch(/does not ask before each call/);
    expect(JSON.stringify(sent)).not.toContain('Do it.');
  },
);

test('a program that is ended while it is interrupted is not waited for', async () => {
  const stop = new AbortController();
  const { outcome } = await driven(
    driveCodex,
    ({ id, method }, say, exit) => {
      if (method === 'initialize') say({ id, result: {} });
      if (method === 'thread/start') say({ id, result: { thread: { id: 't' }, ...asking } });
      if (method === 'turn/start') {
        say({ id, result: { turn: { id: 'u' } } });
        setImmediate(() => stop.abort());
      }
      if (method === 'turn/interrupt') exit();
    },
    { signal: stop.signal },
  );
  expect(outcome).toMatchObject({ outcome: 'stopped' });
});
