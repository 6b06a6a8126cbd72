import { expect, test } from 'vitest';
import { toolKind } from './tool-kind.ts';

test('tools that nobody knows are of no known kind', () => {
  expect(toolKind('WriteFile2')).toBe('other');
  expect(toolKind('Bash')).toBe('execute');
  expect(toolKind('constructor')).toBe('other');
  expect(toolKind('__proto__')).toBe('other');
});
