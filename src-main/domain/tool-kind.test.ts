import { expect, test } from 'vitest';
import { runToolOf } from '../contract/run-api.ts';
import { toolKind } from './tool-kind.ts';

test('tools that nobody knows are of no known kind', () => {
  expect(toolKind('WriteFile2')).toBe('other');
  expect(toolKind('Bash')).toBe('execute');
  expect(toolKind('constructor')).toBe('other');
  expect(toolKind('__proto__')).toBe('other');
});

test.each([
  ['mcp__atrium__submit_result', 'submit_result'],
  ['mcp_atrium_ask', 'ask'],
  ['atrium_submit_plan', 'submit_plan'],
  ['report_progress (atrium MCP Server)', 'report_progress'],
  ['submit_result', null],
  ['mcp__other__submit_result', null],
  ['mcp__atrium__approve', null],
  ['mcp__atrium__constructor', null],
  ['report_progress (atrium MCP Server) && rm -rf .', null],
])('%s is the tool %s of a run', (name, tool) => {
  expect(runToolOf(name)).toBe(tool);
});
