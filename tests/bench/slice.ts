import type { TicketDetail, TicketDraftInput } from '../../src-main/contract/tickets.ts';
import { TicketDraft } from '../../src-main/contract/tickets.ts';
import {
  held,
  makePlace,
  type InProcessCore,
  type OperatorClient,
  type TestPlace,
  type TestRepository,
} from '../support/workspace.ts';

/** A workspace with one brand and one small repository, its core open in this process. */
export interface Slice {
  place: TestPlace;
  repository: TestRepository;
  core: InProcessCore;
  close(): Promise<void>;
}

export async function openSlice(checks: { test: string; lint: string }): Promise<Slice> {
  const place = makePlace();
  const files = Object.fromEntries(
    Array.from({ length: 50 }, (_, n) => [`src/file-${n}.js`, `export const n = ${n};\n`]),
  );
  const repository = place.repository('site', files);
  const core = await place.open();
  held(
    await core.client.brand.add({
      id: 'label',
      name: 'Label',
      repositories: [repository.path],
      sealed: false,
      setup: 'none',
      ...checks,
      count: 'exit',
      confirmed: true,
    }),
  );
  return {
    place,
    repository,
    core,
    async close() {
      await core.close();
      place.remove();
    },
  };
}

/** Drafts and approves a ticket. */
export async function approve(client: OperatorClient, draft: TicketDraftInput): Promise<TicketDetail> {
  const ticket = held(await client.ticket.draft({ brand: 'label', draft: TicketDraft.parse(draft) }));
  held(await client.ticket.approve({ id: ticket.id, hash: ticket.hash }));
  return ticket;
}

/** When an event of this type was recorded on a ticket, in milliseconds. */
export async function timeOf(client: OperatorClient, ticket: TicketDetail, type: string): Promise<number> {
  const { timeline } = held(await client.ticket.show({ id: ticket.id }));
  const entry = timeline.find((one) => one.type === type);
  if (!entry) throw new Error(`${ticket.id} has no ${type}: ${timeline.at(-1)?.text ?? ''}`);
  return Date.parse(entry.at);
}

/** Starts what is approved, and waits until it has ended. */
export async function runDay(client: OperatorClient): Promise<void> {
  for await (const _report of await client.start({}));
}
