import { z } from 'zod';
import { BrandView } from './brands.ts';
import { WorkspaceConfig } from './config.ts';
import { DoctorReport } from './doctor.ts';
import { BrandId, TicketId } from './ids.ts';
import { Lack, RuntimeView } from './machine.ts';
import { RunView } from './runs.ts';
import { StartReport } from './start.ts';
import { TicketSummary, TimelineEntry } from './tickets.ts';
import { WaitingCounts, WaitingItem } from './waiting.ts';

/** The workspace in one answer. */
export const StatusView = z.object({
  workspace: z.string(),
  core: z.object({ pid: z.number().int(), socket: z.string(), url: z.string().optional() }).nullable(),
  brands: z.array(z.object({ id: BrandId, state: z.enum(['open', 'closed']), error: z.string().optional() })),
  waiting: WaitingCounts,
  /** What waits, most urgent first. */
  waits: z.array(WaitingItem),
  /** Runs that are alive, a desk's terminals among them. */
  running: z.number().int(),
  /** Agent programs as the core sees them; absent while none runs. */
  runtimes: z.array(RuntimeView).optional(),
});
export type StatusView = z.infer<typeof StatusView>;

/** Everything that a window shows at once; events after its positions bring it up to date. */
export const Snapshot = z.object({
  workspace: z.object({ path: z.string(), name: z.string(), today: z.string() }),
  config: WorkspaceConfig,
  brands: z.array(BrandView),
  tickets: z.array(TicketSummary),
  runs: z.array(RunView),
  lacks: z.array(Lack),
  runtimes: z.array(RuntimeView),
  waiting: z.array(WaitingItem),
  lastStart: StartReport.nullable(),
  /** The doctor's last examination of the whole workspace. */
  doctor: DoctorReport.nullable(),
});
export type Snapshot = z.infer<typeof Snapshot>;

/**
 * What the window's feed tells: values that changed, whole. `event` is a line of a brand's activity. A feed begins with
 * `snapshot`; after a gap it begins again.
 */
export const FeedItem = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('snapshot'), snapshot: Snapshot }),
  z.object({ kind: z.literal('ticket'), ticket: TicketSummary }),
  z.object({ kind: z.literal('run'), run: RunView }),
  z.object({ kind: z.literal('brand'), brand: BrandView }),
  z.object({
    kind: z.literal('activity'),
    brand: BrandId.nullable(),
    entry: TimelineEntry,
    ticket: TicketId.nullable(),
  }),
  z.object({ kind: z.literal('page'), brand: z.string(), page: z.string() }),
  /** All that waits in a brand now. */
  z.object({ kind: z.literal('waiting'), brand: BrandId, items: z.array(WaitingItem) }),
  z.object({ kind: z.literal('doctor'), report: DoctorReport }),
  z.object({ kind: z.literal('start'), report: StartReport, ended: z.boolean() }),
]);
export type FeedItem = z.infer<typeof FeedItem>;
