import { statfsSync, statSync } from 'node:fs';
import type { TicketId } from '../../contract/ids.ts';
import { plural } from '../../domain/plural.ts';
import { evolveTicket } from '../../domain/ticket-fold.ts';
import { type Ticket } from '../../domain/ticket.ts';
import { canonicalJson, type EventStore, type Head } from '../../services/event-store/index.ts';
import { readBrandConfig, readWorkspaceConfig } from '../configuration.ts';
import { brandPlaces, type Places } from '../places.ts';
import { asRecorded, ticketStream } from '../projections.ts';
import { fails, holds, type Check, type Checks, type Finding, type Patient } from './check.ts';

/** Less than this on the workspace's disk, in bytes, is not room enough. */
const ROOM_BYTES = 512 * 1024 * 1024;

type Log = Pick<EventStore, 'head' | 'verifyChainSince'>;

/** What Atrium remembers: configuration, logs, projections, exports (1 to 5, and 19). */
export function stateChecks(parts: { places: Places; log: Log }): Checks {
  const { places, log } = parts;

  const workspaceConfiguration: Check<null> = {
    number: 1,
    mark: () => null,
    prove: () => {
      const read = readWorkspaceConfig(places.config);
      return read.ok ? holds('workspace.yaml reads') : fails(read.failure.message);
    },
  };
  const brandConfiguration: Check<Patient> = {
    number: 1,
    mark: () => null,
    prove: ({ brand }) => {
      const read = readBrandConfig(brandPlaces(places, brand.id).config);
      return read.ok ? holds('brand.yaml reads') : fails(read.failure.message);
    },
  };
  const sound: Check<Patient> = {
    number: 2,
    mark: ({ brand }) => identityOf(brand.places.log),
    prove: async (patient, examination) => (await examination.log(patient)).integrity,
  };
  const whole: Check<Patient> = {
    number: 3,
    mark: ({ brand }) => markOf(brand.store.head()),
    prove: async (patient, examination) => (await examination.log(patient)).chain,
    proveSince: ({ brand }, mark) => chainSince(brand.store, mark),
  };
  const projected: Check<Patient> = {
    number: 4,
    mark: ({ brand }) => markOf(brand.store.head()),
    prove: async (patient, examination) => (await examination.log(patient)).projections,
    proveSince: ({ brand }, mark) => projectedSince(brand, headOf(mark).position),
  };
  const exported: Check<Patient> = {
    number: 5,
    mark: ({ exporter }) => exporter.stamp(),
    prove: async (patient, examination) => (await examination.log(patient)).exported,
  };
  const restored: Check<Patient> = {
    number: 19,
    mark: ({ exporter }) => exporter.stamp(),
    prove: async (patient, examination) => (await examination.log(patient)).restored,
  };
  const room: Check<null> = {
    number: 19,
    mark: () => null,
    prove: () => {
      const disk = statfsSync(places.workspace);
      const free = Math.floor((disk.bavail * disk.bsize) / 1024 / 1024);
      return free * 1024 * 1024 < ROOM_BYTES
        ? fails(`the disk has ${free} MB left`)
        : holds(`${free} MB free`);
    },
  };

  return {
    workspace: [
      workspaceConfiguration,
      {
        number: 2,
        mark: () => identityOf(places.workspaceLog),
        prove: async (_none, examination) => (await examination.workspaceLog()).integrity,
      },
      {
        number: 3,
        mark: () => markOf(log.head()),
        prove: async (_none, examination) => (await examination.workspaceLog()).chain,
        proveSince: (_none, mark) => chainSince(log, mark),
      },
      {
        number: 4,
        mark: () => markOf(log.head()),
        prove: async (_none, examination) => (await examination.workspaceLog()).projections,
        proveSince: () => holds('as at the last full proof'),
      },
      room,
    ],
    brand: [brandConfiguration, sound, whole, projected, exported, restored],
  };
}

/** Which file it is: another one in its place is proved anew. */
function identityOf(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false, bigint: true });
  return found === undefined ? 'missing' : `${found.dev} ${found.ino}`;
}

function markOf(head: Head): string {
  return `${head.position} ${head.hash}`;
}

function headOf(mark: string): Head {
  const [position, hash] = mark.split(' ');
  return { position: Number(position), hash: hash ?? '' };
}

function chainSince(log: Log, mark: string): Finding {
  const since = headOf(mark);
  const chain = log.verifyChainSince(since);
  return chain.ok
    ? holds(`${plural(chain.position - since.position, 'event')} more, each names the one before it`)
    : fails(`at position ${chain.position}: ${chain.detail}`);
}

/** Tickets that changed since equal a replay of their streams. */
function projectedSince(brand: Patient['brand'], position: number): Finding {
  const changed = brand.store.query<{ ticket: TicketId }>(
    'SELECT DISTINCT ticket FROM projection_activity WHERE position > ? AND ticket IS NOT NULL',
    position,
  );
  for (const { ticket: id } of changed) {
    const stored = brand.tickets.get(id);
    const replayed = brand.store
      .readStream(ticketStream(id))
      .reduce<Ticket | null>((ticket, event) => evolveTicket(ticket, asRecorded(event)), null);
    // Its successor says so in its own stream.
    const same = (ticket: Ticket | null) => canonicalJson(ticket && { ...ticket, successor: null });
    if (same(stored) !== same(replayed)) return fails(`${id} differs from a replay of its stream`);
  }
  return holds(`${plural(changed.length, 'ticket')} changed, each equals a replay`);
}
