import { describe, expect, test } from 'vitest';
import type { TicketId } from '../src-main/contract/ids.ts';
import type { FeedItem } from '../src-main/contract/operator-api.ts';
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
  const all = Object.fromEntries(
    [
      ticket('T-label-1'),
      ticket('T-label-2', { priority: 1 }),
      ticket('T-label-3', { state: 'ready' }),
      ticket('T-label-4', { state: 'blocked', blockedReason: 'dead-letter' }),
      ticket('T-label-5', { state: 'blocked', blockedReason: 'operator' }),
      ticket('T-label-6', { state: 'blocked', blockedReason: 'withdrawn' }),
      ticket('T-label-7', {
        state: 'blocked',
        blockedReason: 'crash-loop',
        successor: 'T-label-8' as TicketId,
      }),
      ticket('T-label-8'),
    ].map((each) => [each.id, each]),
  );
  const ids = (...given: Parameters<typeof waitingOf>) => waitingOf(...given).map((each) => each.ticket.id);

  test('drafts by urgency, then what stopped by itself and has no successor', () => {
    expect(ids(all, new Set(), [])).toEqual(['T-label-2', 'T-label-1', 'T-label-8', 'T-label-4']);
  });

  test('what was approved here does not wait, what was put off comes last', () => {
    expect(ids(all, new Set(['T-label-2']), ['T-label-1'])).toEqual(['T-label-8', 'T-label-1', 'T-label-4']);
  });
});
