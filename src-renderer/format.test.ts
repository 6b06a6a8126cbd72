import { describe, expect, test } from 'vitest';
import { ago, lasting, money, visible, visibleLine, visibleOutput } from './format.ts';

describe('text of others', () => {
  test('shows what would not be seen, and leaves what is', () => {
    expect(visible('a\u0000b\u001bc\u202Ed\u200be\u0085f\ng\th')).toBe(
      'a‹NUL›b‹ESC›c‹U+202E›d‹U+200B›e‹U+0085›f\ng\th',
    );
    expect(visible('ünïcödé 漢字 👩‍💻')).toBe('ünïcödé 漢字 👩‍💻');
  });

  test('a lone carriage return cannot overwrite a line', () => {
    expect(visible('rm -rf /\recho ok\r\nnext')).toBe('rm -rf /‹CR›echo ok\nnext');
  });

  test('is one line where one line is shown', () => {
    expect(visibleLine('a\nb\tc')).toBe('a ↵ b c');
  });

  test('colours of a terminal are dropped, other sequences are shown', () => {
    expect(visibleOutput('\u001b[1;32mok\u001b[0m \u001b]0;title\u0007')).toBe('ok ‹ESC›]0;title‹BEL›');
  });
});

describe('times and money', () => {
  const now = Date.parse('2026-11-20T12:00:00Z');
  test.each([
    ['2026-11-20T11:59:30Z', 'now'],
    ['2026-11-20T12:00:30Z', 'now'],
    ['2026-11-20T11:57:00Z', '3 min'],
    ['2026-11-20T07:00:00Z', '5 h'],
    ['2026-11-17T12:00:00Z', '3 d'],
    ['2026-01-02T12:00:00Z', 'Jan 2, 2026'],
    ['no time', 'no time'],
  ])('%s is %s', (at, shown) => {
    expect(ago(at, now)).toBe(shown);
  });

  test('lengths and money', () => {
    expect([lasting(12), lasting(1_500), lasting(60_000), lasting(95_000)]).toEqual([
      '12 ms',
      '1.5 s',
      '1 min',
      '1 min 35 s',
    ]);
    expect([money(0), money(0.126), money(1234.5)]).toEqual(['$0.00', '$0.13', '$1,234.50']);
  });
});
