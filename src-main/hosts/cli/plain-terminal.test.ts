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
