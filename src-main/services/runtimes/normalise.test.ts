import { describe, expect, test } from 'vitest';
import { AcpRequests, contentText } from './acp-events.ts';
import { askOf, readClaudeMessage } from './claude-messages.ts';
import { spoken } from './codex-messages.ts';
import { lastLines } from './supervise.ts';
import { isTransientFault } from './transient.ts';

describe('what an agent over ACP tells of a call', () => {
  const call = { toolCallId: '1', title: 'Write a.txt', kind: 'edit' as const };

  test('is put together bit by bit', () => {
    const requests = new AcpRequests();
    const content = [{ type: 'diff' as const, path: '/work/a.txt', oldText: null, newText: 'a' }];
    requests.take({ ...call, status: 'in_progress' });
    expect(requests.take({ toolCallId: '1', status: 'completed', content })).toEqual({
      tool: 'edit',
      kind: 'edit',
      paths: ['/work/a.txt'],
      text: 'Write a.txt',
    });
    expect(contentText(content)).toBe('new: /work/a.txt');
  });

  test('stays a command where it is asked for again as something else, without paths that are guessed', () => {
    const requests = new AcpRequests();
    requests.take({ toolCallId: '1', title: 'ls /etc', kind: 'execute' });
    const again = { toolCallId: '1', kind: 'other' as const, locations: [{ path: '/etc' }] };
    expect(requests.take(again)).toEqual({ tool: 'execute', kind: 'execute', paths: [], text: 'ls /etc' });
  });

  test('asks with every path it names, and a removal counts as an edit', () => {
    const content = [{ type: 'diff' as const, path: '/work/b', oldText: 'b', newText: '' }];
    const locations = [{ path: '/work/a' }];
    const removal = { toolCallId: '1', title: 'Remove', kind: 'delete' as const, locations, content };
    expect(new AcpRequests().take(removal)).toEqual({
      tool: 'delete',
      kind: 'edit',
      paths: ['/work/a', '/work/b'],
      text: 'Remove',
    });
  });
});

test.each([
  ["/bin/bash -lc 'echo hi > a.txt'", 'echo hi > a.txt'],
  ['/bin/bash -lc ls', 'ls'],
  ['/bin/sh -c "a b"', 'a b'],
  ['git status', 'git status'],
])('Codex runs %s, and the model said %s', (command, said) => {
  expect(spoken(command)).toBe(said);
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
