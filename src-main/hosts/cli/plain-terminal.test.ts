import { expect, test } from 'vitest';
import { createPlainTerminal } from './plain-terminal.ts';

const drawn = (...pieces: string[]) => {
  const plain = createPlainTerminal();
  return pieces.map((piece) => Buffer.from(plain(Buffer.from(piece, 'latin1'))).toString('latin1')).join('');
};

test('what draws is left as it is', () => {
  const text = 'plain \x1b[1;31mred\x1b[0m\x1b[2J\x1b[?1049h\x1b[10;20H\x1b(B\x1b7\x1b8\r\n\x1b[38;2;1;2;3mx';
  expect(drawn(text)).toBe(text);
  expect(drawn(...text)).toBe(text);
});

test('strings to the terminal and questions to it are gone, in whatever pieces they come', () => {
  const hostile =
    'a\x1b]52;c;c3RvbGVu\x07b\x1b]0;title\x1b\\c\x1bP$qm\x1b\\d\x1b[6ne\x1b[cf\x1b[>0qg\x1b[21th\x05i\x1b_x\x1b\\j\x1bZk\x1b[?2026$pl';
  expect(drawn(hostile)).toBe('abcdefghijkl');
  expect(drawn(...hostile)).toBe('abcdefghijkl');
});

test('controls of eight bits and questions of every kind are gone; characters of every language stay', () => {
  const utf8 = (text: string) => Buffer.from(text, 'utf8').toString('latin1');
  const hostile = [
    ...[
      'a\u009d52;c;c3RvbGVu\u009cb',
      '\u009b6n',
      '\u0090$qm\u009c',
      '\x1b[\u009d0;AB',
      '\x1b\u009d0;AB',
    ].map(utf8),
    ...[
      '\x9b6n',
      '\x1b[\x9d0;AB',
      '\xc0\x9b6n',
      '\x1b[5i',
      '\x1b[1$w',
      '\x1b[1;1;1;1;9;9*y',
      '\x1b[x',
      '\x1b[?4m',
    ],
  ];
  for (const text of hostile) {
    // The control: each of these begins a sequence, or asks.
    expect(text).toMatch(/[\x1b\x80-\x9f]/);
    for (const pieces of [[text], [...text]])
      expect([text, drawn(...pieces)]).toEqual([text, expect.not.stringMatching(/[\x1b\x80-\x9f]/)]);
  }
  const names = utf8('\u00e9 \u00a0 ünïcode 名前 🚪 \x1b[1mfett\x1b[0m');
  expect(drawn(names)).toBe(names);
  expect(drawn(...names)).toBe(names);
});
