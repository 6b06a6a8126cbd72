import { z } from 'zod';
import { TicketDraft } from './tickets.ts';
import { BrandId, CommitId, RunId } from './ids.ts';

/** Size of a terminal in characters. */
export const TerminalSize = z.object({
  columns: z.number().int().min(2).max(1_000),
  rows: z.number().int().min(1).max(1_000),
});
export type TerminalSize = z.infer<typeof TerminalSize>;

/** A live terminal: a run of the role `desk` with a person in front of it. */
export const TerminalView = TerminalSize.extend({
  id: RunId,
  brand: BrandId,
  repository: z.string(),
  openedAt: z.string(),
  /** What is worth knowing when it opens: agents that are not there, dependencies that could not be placed. */
  notes: z.array(z.string()),
});
export type TerminalView = z.infer<typeof TerminalView>;

/** A brand's desk for one of its repositories, as it stands. All of it but the folder is the desk's own word. */
export const DeskView = z.object({
  brand: BrandId,
  repository: z.string(),
  /** The lasting checkout on this machine. */
  folder: z.string(),
  /** False until a first terminal is opened there. */
  made: z.boolean(),
  base: CommitId.nullable(),
  head: CommitId.nullable(),
  /** Commits beyond the base. */
  ahead: z.number().int(),
  /** Paths that are changed and not committed. */
  dirty: z.array(z.string()),
});
export type DeskView = z.infer<typeof DeskView>;

/**
 * The raw channel of one viewer of one terminal, beside the operator's contract and at the same doors: bytes of the terminal
 * are binary messages both ways, everything else is one of these as JSON text. A viewer first attaches. What it is sent in
 * binary messages it acknowledges, in bytes; the core stops reading the program at 512 KB that are not acknowledged.
 */
export const ViewerMessage = z.discriminatedUnion('type', [
  TerminalSize.extend({ type: z.literal('attach'), id: RunId }),
  TerminalSize.extend({ type: z.literal('resize') }),
  z.object({ type: z.literal('ack'), bytes: z.number().int().min(0) }),
]);
export type ViewerMessage = z.infer<typeof ViewerMessage>;

/** What the core says to a viewer. `attached` comes first, with the size that the binary messages after it are drawn in. */
export const ChannelMessage = z.discriminatedUnion('type', [
  TerminalSize.extend({ type: z.literal('attached'), replayBytes: z.number().int() }),
  TerminalSize.extend({ type: z.literal('size') }),
  z.object({ type: z.literal('ended'), code: z.number().int(), signal: z.number().int() }),
  /** There is no such terminal, or what was said is not understood; the channel closes. */
  z.object({ type: z.literal('refused'), reason: z.string() }),
  /** The viewer did not keep up; the channel closes, and a new one shows everything again. */
  z.object({ type: z.literal('dropped') }),
]);
export type ChannelMessage = z.infer<typeof ChannelMessage>;

/** Longest message of a viewer, in bytes: a paste is sent in pieces. */
export const LONGEST_INPUT = 64 * 1024;

/** Proposes what is in a desk as a ticket: paths are those that differ, runtime and command are none. */
export const DeskProposal = z.object({
  brand: BrandId,
  repository: z.string().max(200).optional(),
  title: TicketDraft.shape.title,
  description: TicketDraft.shape.description,
  acceptance: TicketDraft.shape.acceptance,
});
export type DeskProposal = z.infer<typeof DeskProposal>;
