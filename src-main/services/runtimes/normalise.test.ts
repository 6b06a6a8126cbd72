import { describe, expect, test } from 'vitest';
import { AcpEvents } from './acp-events.ts';
import { askOf, readClaudeMessage } from './claude-messages.ts';
import { lastLines } from './supervise.ts';
import { isTransientFault } from './transient.ts';

describe('what an agent over ACP tells', () => {
  test('is a call that starts once and ends once, with what it changed', () => {
    const events = new AcpEvents();
    const call = { toolCallId: '1', title: 'Write a.txt', kind: 'edit' as const };
    const content = [{ type: 'diff' as const, path: '/work/a.txt', oldText: null, newText: 'a' }];
    const told = [
      ...events.ofUpdate({ sessionUpdate: 'tool_call', ...call, status: 'in_progress' }),
      ...events.ofUpdate({ sessionUpdate: 'tool_call_update', toolCallId: '1', status: 'in_progress' }),
      ...events.ofUpdate({
        sessionUpdate: 'tool_call_update',
        toolCallId: '1',
        status: 'completed',
        content,
      }),
    ];
    expect(told).toEqual([
      { kind: 'tool', tool: 'edit', title: 'Write a.txt', state: 'started', text: '' },
      {
        kind: 'tool',
        tool: 'edit',
        title: 'Write a.txt',
        state: 'done',
        text: 'new: /work/a.txt',
        paths: ['/work/a.txt'],
      },
    ]);
  });

  test('asks with every path it names, and a removal counts as an edit', () => {
    const content = [{ type: 'diff' as const, path: '/work/b', oldText: 'b', newText: '' }];
    const toolCall = {
      toolCallId: '1',
      title: 'Remove',
      kind: 'delete' as const,
      locations: [{ path: '/work/a' }],
      content,
    };
    expect(new AcpEvents().ofRequest({ sessionId: 's', options: [], toolCall })).toEqual({
      tool: 'delete',
      kind: 'edit',
      paths: ['/work/a', '/work/b'],
      text: 'Remove',
    });
  });
});

describe('what Claude Code tells', () => {
  test('asks with its kind, its path and what it is about', () => {
    expect(askOf('Write', { file_path: '/work/a' })).toEqual({
      tool: 'Write',
      kind: 'edit',
      paths: ['/work/a'],
      text: '/work/a',
    });
    expect(askOf('Bash', { command: 'ls' })).toEqual({
      tool: 'Bash',
      kind: 'execute',
      paths: [],
      text: 'ls',
    });
    expect(askOf('mcp__x__y', {})).toEqual({
      tool: 'mcp__x__y',
      kind: 'other',
      paths: [],
      text: 'mcp__x__y',
    });
  });

  test('is passed over where it is of a kind that is not known, and is no message where it is no JSON', () => {
    expect(readClaudeMessage('{"type":"novelty","x":1}')).toEqual({ type: 'unknown' });
    expect(readClaudeMessage('Segmentation fault')).toBeNull();
  });

  test('is a request to answer even where its kind is not known', () => {
    const line = '{"type":"control_request","request_id":"1","request":{"subtype":"elicitation","x":1}}';
    expect(readClaudeMessage(line)).toMatchObject({
      type: 'control_request',
      request: { subtype: 'unknown', named: 'elicitation' },
    });
  });
});

test.each([
  [429, '', true],
  [500, '', true],
  [529, '', true],
  [408, '', true],
  [400, 'bad request', false],
  [401, 'no key', false],
  [-32_603, 'Internal error: fetch failed', true],
  [-32_603, 'Internal error', false],
  [null, 'connect ECONNREFUSED 127.0.0.1:8790', true],
])('a fault with status %j and text %j is transient: %j', (status, text, transient) => {
  expect(isTransientFault(status, text)).toBe(transient);
});

test('the last lines of a text are few and not empty', () => {
  expect(lastLines('a\n\nb\n \nc\nd\ne\nf\n')).toBe('b\nc\nd\ne\nf');
});
