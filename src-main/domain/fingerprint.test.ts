import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fingerprint, found } from './fingerprint.ts';

const words = (count: number, from = 0): string =>
  Array.from({ length: count }, (_, index) => `term${index + from}x`).join(' ');

describe('what a text is known by again', () => {
  test('a passage is found whatever stands round it and between its words', () => {
    const print = fingerprint([words(60)]);
    const quoted = `He wrote:\n> ${words(16, 20).split(' ').join(',\n> + ').toUpperCase()}\nand no more.`;
    expect(found(quoted, [print], []).passages).toBe(5);
    expect(found(words(11, 20), [print], []).passages).toBe(0);
  });

  test('a mark is found by itself; what reads like a word or a number is none', () => {
    const print = fingerprint([
      'key sk-live-8842119-abcdef, a-very-long-identifier-indeed, 12345678901234567890',
    ]);
    expect(found('{"k":"sk-live-8842119-abcdef"}', [print], []).marks).toBe(1);
    expect(found('a-very-long-identifier-indeed 12345678901234567890', [print], []).marks).toBe(0);
  });

  test('what others have as well is common property, and borders and tables are nobody’s', () => {
    const print = fingerprint([words(40), 'mark-0123-4567-abcdefgh', '1 2 1 2 '.repeat(40)]);
    const common = fingerprint([words(40), 'mark-0123-4567-abcdefgh']);
    expect(found(`${words(40)} mark-0123-4567-abcdefgh`, [print], [common])).toEqual({
      passages: 0,
      marks: 0,
    });
    expect(found('1 2 1 2 '.repeat(40), [print], [])).toEqual({ passages: 0, marks: 0 });
  });

  test('a long text keeps a share of its passages, and a long quotation is found all the same', () => {
    const print = fingerprint([words(20_000)], 1_000);
    expect(print.passages.size).toBeLessThanOrEqual(1_000);
    expect(found(words(600, 5_000), [print], []).passages).toBeGreaterThan(5);
  });

  test('texts that share no words share no fingerprint', () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { maxLength: 200 }), (numbers) => {
        const other = numbers.map((number) => `other${number}`).join(' ');
        return found(other, [fingerprint([words(200)])], []).passages === 0;
      }),
    );
  });
});
