import type { BrandView } from '../src-main/contract/brands.ts';
import type { DoctorReport } from '../src-main/contract/doctor.ts';
import type { FeedItem, Snapshot } from '../src-main/contract/feed.ts';
import type { Lack, RuntimeView } from '../src-main/contract/machine.ts';
import type { RunView } from '../src-main/contract/runs.ts';
import type { StartReport } from '../src-main/contract/start.ts';
import type { WaitingItem } from '../src-main/contract/waiting.ts';
import type { TicketSummary, TimelineEntry } from '../src-main/contract/tickets.ts';
import { urgentFirst } from '../src-main/domain/urgency.ts';

export interface ActivityLine extends TimelineEntry {
  brand: string | null;
  ticket: string | null;
}

/** What the core told, as it stands: nothing in here is the window's own. */
export interface Facts {
  /** False until the first snapshot. */
  loaded: boolean;
  workspace: Snapshot['workspace'] | null;
  config: Snapshot['config'] | null;
  brands: BrandView[];
  tickets: Readonly<Record<string, TicketSummary>>;
  runs: Readonly<Record<string, RunView>>;
  lacks: Lack[];
  runtimes: RuntimeView[];
  /** What waits for the operator: the one list that every door shows. */
  waiting: readonly WaitingItem[];
  start: StartReport | null;
  /** The doctor's last examination of the whole workspace. */
  doctor: DoctorReport | null;
  /** A start is under way. */
  starting: boolean;
  /** Lines that came while this window was open, newest first. */
  activity: readonly ActivityLine[];
  /** Grows with every page that was written. */
  pages: number;
}

export const noFacts: Facts = {
  loaded: false,
  workspace: null,
  config: null,
  brands: [],
  tickets: {},
  runs: {},
  lacks: [],
  runtimes: [],
  waiting: [],
  start: null,
  doctor: null,
  starting: false,
  activity: [],
  pages: 0,
};

const activityKept = 500;

const byId = <T extends { id: string }>(list: readonly T[]): Record<string, T> =>
  Object.fromEntries(list.map((each) => [each.id, each]));

/** One item of the feed onto what is known: a snapshot replaces all, anything else one value, whole. */
export function fold(facts: Facts, item: FeedItem): Facts {
  switch (item.kind) {
    case 'snapshot': {
      const { workspace, config, brands, tickets, runs, lacks, runtimes, waiting, lastStart, doctor } =
        item.snapshot;
      return {
        ...facts,
        loaded: true,
        workspace,
        config,
        brands,
        tickets: byId(tickets),
        runs: byId(runs),
        lacks,
        runtimes,
        waiting,
        start: lastStart,
        doctor,
        starting: lastStart?.phases.some((phase) => phase.outcome === 'running') ?? false,
        pages: facts.pages + 1,
      };
    }
    case 'ticket': {
      const known = facts.tickets[item.ticket.id];
      if (known !== undefined && known.version > item.ticket.version) return facts;
      return { ...facts, tickets: { ...facts.tickets, [item.ticket.id]: item.ticket } };
    }
    case 'run':
      return { ...facts, runs: { ...facts.runs, [item.run.id]: item.run } };
    case 'brand': {
      const known = facts.brands.some((brand) => brand.id === item.brand.id);
      const brands = known
        ? facts.brands.map((brand) => (brand.id === item.brand.id ? item.brand : brand))
        : [...facts.brands, item.brand];
      return { ...facts, brands };
    }
    case 'activity': {
      const line: ActivityLine = { ...item.entry, brand: item.brand, ticket: item.ticket };
      return { ...facts, activity: [line, ...facts.activity].slice(0, activityKept) };
    }
    case 'waiting':
      return {
        ...facts,
        waiting: urgentFirst([...facts.waiting.filter((one) => one.brand !== item.brand), ...item.items]),
      };
    case 'page':
      return { ...facts, pages: facts.pages + 1 };
    case 'doctor':
      return { ...facts, doctor: item.report };
    case 'start':
      return { ...facts, start: item.report, starting: !item.ended };
  }
}
