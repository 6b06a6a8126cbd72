import { create } from 'zustand';
import type { BrandView } from '../src-main/contract/brands.ts';
import type { FeedItem } from '../src-main/contract/feed.ts';
import type { RunView } from '../src-main/contract/runs.ts';
import type { TicketSummary } from '../src-main/contract/tickets.ts';
import { type LinkState } from './connection.ts';
import { type Facts, fold, noFacts } from './feed.ts';
import { t } from './strings/en.ts';

interface Live extends Facts {
  link: LinkState;
  /** Grows with every line to the core: what was asked before may be stale. */
  lines: number;
}

/** The core's facts in this window. Only the feed and the connection write here. */
export const useLive = create<Live>(() => ({ ...noFacts, link: 'connecting', lines: 0 }));

/** One item of the feed. */
export function receive(item: FeedItem): void {
  const before = useLive.getState();
  const after = fold(before, item);
  useLive.setState(after);
  if (item.kind !== 'ticket') return;
  const known = before.tickets[item.ticket.id];
  if (known !== undefined && known.state !== item.ticket.state) {
    announce(t.live.moved(item.ticket.id, item.ticket.state));
  }
}

/** What the core said about a ticket in answer to a command: it is shown at once, the feed says it again. */
export function show(ticket: TicketSummary): void {
  useLive.setState(fold(useLive.getState(), { kind: 'ticket', ticket }));
}

/** What the connection came to. */
export function setLink(link: LinkState): void {
  const { link: before, lines, loaded } = useLive.getState();
  if (link === before) return;
  // Before the first snapshot there is nothing to grey: it still connects.
  useLive.setState({
    link: link === 'gone' && !loaded ? 'connecting' : link,
    lines: link === 'live' ? lines + 1 : lines,
  });
  if (loaded && link === 'gone') announce(t.live.coreGone);
  if (loaded && link === 'live') announce(t.live.coreBack);
}

interface Announcement {
  text: string;
  /** Makes a repeated sentence a change. */
  count: number;
}

/** What a screen reader is told. */
export const useAnnouncement = create<Announcement>(() => ({ text: '', count: 0 }));

export function announce(text: string): void {
  useAnnouncement.setState((before) => ({ text, count: before.count + 1 }));
}

export function brandById(brands: readonly BrandView[], id: string): BrandView | undefined {
  return brands.find((brand) => brand.id === id);
}

/** The newest first, by when they last changed. */
export function newestFirst(tickets: Iterable<TicketSummary>): TicketSummary[] {
  return [...tickets].sort((a, b) => b.updatedAt.localeCompare(a.updatedAt) || a.id.localeCompare(b.id));
}

export function runsOf(runs: Readonly<Record<string, RunView>>, brand?: string): RunView[] {
  return Object.values(runs)
    .filter((run) => brand === undefined || run.brand === brand)
    .sort((a, b) => b.startedAt.localeCompare(a.startedAt) || a.id.localeCompare(b.id));
}
