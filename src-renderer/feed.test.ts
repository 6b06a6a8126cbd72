import { describe, expect, test } from 'vitest';
import type { FeedItem } from '../src-main/contract/feed.ts';
import type { WaitingItem } from '../src-main/contract/waiting.ts';
import type { TicketSummary } from '../src-main/contract/tickets.ts';
import { fold, noFacts } from './feed.ts';
import { waitingOf } from './waiting.ts';

const ticket = (id: string, part: Partial<TicketSummary> = {}): TicketSummary =>
  ({
    id,
    brand: 'label',
    title: id,
    state: 'draft',
    priority: 3,
    blockedReason: null,
    successor: null,
    createdAt: id,
    version: 1,
    ...part,
  }) as TicketSummary;

const told = (value: TicketSummary): FeedItem => ({ kind: 'ticket', ticket: value });

describe('the feed', () => {
  test('a value replaces the one before it, whole, and an older one does not', () => {
    const newer = ticket('T-label-1', { version: 3, state: 'ready' });
    const facts = [told(ticket('T-label-1')), told(newer), told(ticket('T-label-1', { version: 2 }))].reduce(
      fold,
      noFacts,
    );
    expect(facts.tickets).toEqual({ 'T-label-1': newer });
  });

  test('activity is kept newest first, and not without end', () => {
    let facts = noFacts;
    for (let position = 1; position <= 600; position++) {
      const entry = { at: '', position, type: 'x', text: '' };
      facts = fold(facts, { kind: 'activity', brand: null, ticket: null, entry });
    }
    expect([facts.activity.length, facts.activity[0]?.position]).toEqual([500, 600]);
  });

  test('a start is under way until it ended', () => {
    const report = { run: 'S', phases: [], waiting: { questions: 0, approvals: 0 }, merged: [], blocked: [] };
    const going = fold(noFacts, { kind: 'start', report, ended: false });
    expect([going.starting, fold(going, { kind: 'start', report, ended: true }).starting]).toEqual([
      true,
      false,
    ]);
  });
});

describe('what needs the operator', () => {
  const item = (key: string): WaitingItem =>
    ({ key, kind: 'approval', ticket: key }) as unknown as WaitingItem;
  const keys = (...given: Parameters<typeof waitingOf>) => waitingOf(...given).map((each) => each.key);
  const all = ['a', 'b', 'c'].map(item);

  test('stands in the order of the core', () => {
    expect(keys(all, new Set(), [])).toEqual(['a', 'b', 'c']);
  });

  test('what was decided here does not wait, what was put off comes last in its own order', () => {
    expect(keys(all, new Set(['c']), ['b', 'a'])).toEqual(['b', 'a']);
    expect(keys(all, new Set(), ['a'])).toEqual(['b', 'c', 'a']);
  });

  test('a brand’s items take the place of those that it had', () => {
    const of = (brand: string, key: string) =>
      ({ ...item(key), brand, priority: 3, since: key }) as WaitingItem;
    const told = (brand: string, items: WaitingItem[]) =>
      ({ kind: 'waiting', brand, items }) as unknown as FeedItem;
    const facts = [
      told('label', [of('label', 'a'), of('label', 'b')]),
      told('quant', [of('quant', 'c')]),
      told('label', [of('label', 'd')]),
    ].reduce(fold, noFacts);
    expect(facts.waiting.map((each) => each.key)).toEqual(['c', 'd']);
  });
});
