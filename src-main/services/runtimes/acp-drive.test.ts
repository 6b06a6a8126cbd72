import { describe, expect, test } from 'vitest';
import { acpDriver } from './acp-drive.ts';
import { driven, inTurn } from './drive-fixture.ts';
import type { Driven, Message } from './drive-fixture.ts';
import type { PermissionDecision } from './port.ts';

/** A run of an agent over ACP that does what the messages say. */
function run(
  asks: 'every-call' | 'some-calls',
  messages: readonly Message[],
  change: { decision?: PermissionDecision['decision']; session?: string; resume?: boolean } = {},
): Promise<Driven> {
  let prompt: unknown;
  const turn = inTurn(messages, (say) => say({ id: prompt, result: { stopReason: 'end_turn' } }));
  const hear = ({ id, method }: Message, say: (message: Message) => void): void => {
    const tell = (message: Message): void => say({ jsonrpc: '2.0', ...message });
    const capabilities = change.resume === true ? { sessionCapabilities: { resume: {} } } : {};
    if (method === 'initialize')
      tell({ id, result: { protocolVersion: 1, agentCapabilities: capabilities } });
    if (method === 'session/new') tell({ id, result: { sessionId: 's' } });
    if (method === 'session/resume') tell({ id, result: {} });
    if (method === 'session/prompt') prompt = id;
    if (method === 'session/prompt' || method === undefined) turn.next(tell);
  };
  return driven(acpDriver(asks), hear, change);
}

const call = { toolCallId: 'c1', title: 'ls', kind: 'execute' };
const update = (status: string): Message => ({
  method: 'session/update',
  params: { sessionId: 's', update: { sessionUpdate: 'tool_call', ...call, status } },
});
const asked: Message = {
  id: 7,
  method: 'session/request_permission',
  params: {
    sessionId: 's',
    toolCall: { ...call, status: 'pending' },
    options: [
      { optionId: 'always', name: 'Always', kind: 'allow_always' },
      { optionId: 'once', name: 'Once', kind: 'allow_once' },
      { optionId: 'no', name: 'No', kind: 'reject_once' },
    ],
  },
};
const chosen = (optionId: string) =>
  expect.objectContaining({ id: 7, result: { outcome: { outcome: 'selected', optionId } } }) as unknown;

describe('an agent over ACP that was told to ask before every call', () => {
  test('goes on with what was decided, for this one call', async () => {
    const { outcome, sent } = await run('every-call', [asked, update('completed')]);
    expect(sent).toContainEqual(chosen('once'));
    expect(outcome).toMatchObject({ outcome: 'done' });
  });

  test('is ended for a call without a decision, and for one against it', async () => {
    const gap = await run('every-call', [update('in_progress'), update('completed')]);
    expect(gap.outcome.reason).toMatch(/execute that was not decided on/);
    const denied = await run('every-call', [asked, update('completed')], { decision: 'deny' });
    expect(denied.sent).toContainEqual(chosen('no'));
    expect(denied.outcome.reason).toMatch(/execute that was denied/);
  });
});

describe('an agent over ACP that asks where it sees fit', () => {
  test('has what it does without asking decided when it is seen', async () => {
    const { outcome, events } = await run('some-calls', [update('in_progress'), update('completed')]);
    expect(outcome).toMatchObject({ outcome: 'done' });
    expect(events).toContainEqual(expect.objectContaining({ kind: 'permission', decision: 'allow' }));
  });

  test('is ended for such a call that is denied, also where it has ended its turn by then', async () => {
    const { outcome } = await run('some-calls', [update('completed')], { decision: 'deny' });
    expect(outcome).toMatchObject({ outcome: 'failed' });
    expect(outcome.reason).toMatch(/execute without asking, and it is denied/);
  });
});

test('a session is gone on with where the agent can, else a new one is begun and said', async () => {
  const methods = ({ sent }: Driven) => sent.map(({ method }) => method);
  const can = await run('every-call', [], { session: 'old', resume: true });
  expect(methods(can)).toEqual(['initialize', 'session/resume', 'session/prompt']);
  expect(can.events).toContainEqual({ kind: 'session', id: 'old' });
  const cannot = await run('every-call', [], { session: 'old' });
  expect(methods(cannot)).toEqual(['initialize', 'session/new', 'session/prompt']);
  expect(cannot.events).toContainEqual(expect.objectContaining({ kind: 'note' }));
});
