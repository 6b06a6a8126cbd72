import type { ActivityLine } from '../../feed.ts';
import { capital, visibleLine } from '../../format.ts';
import { pathOfPage } from '../../routes.ts';
import { t } from '../../strings/en.ts';

/** What came of something: what the operator wants to know of a day, in contrast to how it came about. */
export interface Outcome {
  key: string;
  at: string;
  state: 'merged' | 'blocked' | 'draft' | 'ready' | 'done' | 'red';
  word: string;
  /** What it is about: a ticket's title, a page. */
  about: string;
  /** Why, where there is more to say. */
  why: string;
  to: string;
}

const afterColon = (text: string) => {
  const at = text.indexOf(': ');
  return at === -1 ? '' : capital(visibleLine(text.slice(at + 2)));
};

/** What a page's event names, as the core words it. */
const pageIn = /(\S+\.md)$/;

function outcomeOf(line: ActivityLine, titleOf: (ticket: string) => string): Outcome | null {
  const { ticket, at, type, text, position } = line;
  const key = String(position);
  if (type === 'page.written') {
    const page = pageIn.exec(text)?.[1];
    return page === undefined
      ? null
      : { key, at, state: 'done', word: t.outcomes.page, about: page, why: '', to: pathOfPage(page) };
  }
  if (type === 'repository.proved' && line.brand !== null && text.includes(': red,')) {
    const to = `/brand/${line.brand}/overview`;
    return { key, at, state: 'red', word: t.outcomes.red, about: afterColon(text), why: '', to };
  }
  if (ticket === null) return null;
  const of = { key, at, about: titleOf(ticket), to: `/ticket/${ticket}` };
  switch (type) {
    case 'ticket.merged':
      return { ...of, state: 'merged', word: t.outcomes.merged, why: '' };
    case 'ticket.blocked':
      return { ...of, state: 'blocked', word: t.outcomes.blocked, why: afterColon(text) };
    case 'ticket.returned':
      return { ...of, state: 'draft', word: t.outcomes.returned, why: afterColon(text) };
    case 'ticket.drafted':
      return { ...of, state: 'draft', word: t.outcomes.drafted, why: '' };
    case 'ticket.approved':
      return { ...of, state: 'ready', word: t.outcomes.approved, why: '' };
    default:
      return null;
  }
}

/**
 * What came of a brand's day, newest first: of each ticket and each page the latest alone.
 *
 * @param lines newest first
 * @param titleOf the title of a ticket
 */
export function outcomesOf(lines: readonly ActivityLine[], titleOf: (ticket: string) => string): Outcome[] {
  const told = new Set<string>();
  return lines.flatMap((line) => {
    const outcome = outcomeOf(line, titleOf);
    if (outcome === null || told.has(outcome.to)) return [];
    told.add(outcome.to);
    return [outcome];
  });
}
