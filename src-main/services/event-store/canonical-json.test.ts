import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalJson } from './canonical-json.ts';
import { StoreFault } from './fault.ts';

test('sorts keys at every depth and leaves out what is undefined', () => {
  expect(canonicalJson({ b: [{ z: 1, y: null }], a: 'ü\n', c: undefined })).toBe(
    '{"a":"ü\\n","b":[{"y":null,"z":1}]}',
  );
});

test('gives the same text for the same value, and the value back', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = canonicalJson(value);
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      expect(canonicalJson(JSON.parse(text))).toBe(text);
    }),
  );
});

test('refuses a circle', () => {
  const circle: unknown[] = [];
  circle.push(circle);
  expect(() => canonicalJson(circle)).toThrow(StoreFault);
});
