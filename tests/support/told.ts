import { expect } from 'vitest';

/** A failure that somebody can act on: a sentence of what and where, and nothing of the program's inside. */
export function expectActionable(error: { message: string; hint: string }): void {
  expect(error.message).toMatch(/\S+ \S+/);
  for (const text of [error.message, error.hint]) {
    expect(text).not.toMatch(/\n|undefined|\[object|node:internal|\.js:\d+|TypeError|SQLITE_/);
  }
}
