import { expect, test, vi } from 'vitest';
import type { ActivityLine } from '../../feed.ts';

vi.stubGlobal('location', { protocol: 'about:', pathname: '/' });
vi.stubGlobal('history', { state: null });
vi.stubGlobal('window', { addEventListener: () => undefined });
const { outcomesOf } = await import('./outcomes.ts');

const line = (position: number, type: string, text: string, ticket: string | null = 'T-label-1') =>
  ({ position, type, text, ticket, brand: 'label', at: String(position) }) as ActivityLine;

test('a day is told by what came of it: the latest of each ticket and page, and nothing of how it came about', () => {
  const told = outcomesOf(
    [
      line(9, 'page.written', 'the librarian writes wiki/label/label.md'),
      line(8, 'run.ended', 'the run ends, done: submitted'),
      line(7, 'ticket.merged', 'merged into main as 0123456789'),
      line(6, 'ticket.blocked', 'blocked (dead-letter): 3 attempts failed: lint', 'T-label-2'),
      line(5, 'run.proved', '14 canaries denied before the launch'),
      line(4, 'ticket.returned', 'sent back: Which green?', 'T-label-3'),
      line(3, 'ticket.drafted', 'drafted', 'T-label-3'),
      line(2, 'ticket.approved', 'approved as 0123456789ab'),
      line(1, 'repository.proved', 'checks of label on 0123456789: red, exit code 1', null),
    ],
    (ticket) => `Title of ${ticket}`,
  );
  expect(told.map(({ word, about, why, to }) => [word, about, why, to])).toEqual([
    ['Page written', 'wiki/label/label.md', '', '/wiki/label/label'],
    ['Merged', 'Title of T-label-1', '', '/ticket/T-label-1'],
    ['Blocked', 'Title of T-label-2', '3 attempts failed: lint', '/ticket/T-label-2'],
    ['Sent back', 'Title of T-label-3', 'Which green?', '/ticket/T-label-3'],
    ['Checks fail', 'Red, exit code 1', '', '/brand/label/overview'],
  ]);
});
