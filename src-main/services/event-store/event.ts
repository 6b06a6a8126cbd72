/** An event to append: what happened. `data` is plain JSON. */
export interface NewEvent {
  type: string;
  data: unknown;
}

/** An event as it stands in the log, upcast to today's shape. `at` is ISO 8601 in UTC; hashes are sha256 in hex. */
export interface StoredEvent {
  /** Place in the log: 1, 2, 3… without a gap. */
  position: number;
  stream: string;
  /** Place in its stream: 1, 2, 3… */
  version: number;
  type: string;
  data: unknown;
  actor: unknown;
  commandId: string;
  at: string;
  hash: string;
  previousHash: string;
}

/**
 * Reads an old event in today's shape; the log itself is never rewritten. It sees every event whose type is `type`, new
 * ones too, so it must leave today's shape as it is. Upcasters run in the order of the list, each at most once an event.
 * A change of the list of names rebuilds the projections.
 */
export interface Upcaster {
  name: string;
  type: string;
  upcast(event: NewEvent): NewEvent;
}

/** A row of the table `events`, in the order of {@link eventColumns}. */
export type EventRow = [
  position: number,
  stream: string,
  version: number,
  type: string,
  data: string,
  actor: string,
  commandId: string,
  at: string,
  hash: string,
  previousHash: string,
];

export const eventColumns =
  'position, stream, version, type, data, actor, command_id, at, hash, previous_hash';

/** Turns rows into events in today's shape. */
export type Decode = (row: EventRow) => StoredEvent;

/** A decoder for these upcasters. */
export function createDecoder(upcasters: readonly Upcaster[]): Decode {
  const upcast = (event: NewEvent): NewEvent =>
    upcasters.reduce((current, each) => (each.type === current.type ? each.upcast(current) : current), event);
  return (row) => {
    const event: StoredEvent = {
      position: row[0],
      stream: row[1],
      version: row[2],
      type: row[3],
      data: JSON.parse(row[4]) as unknown,
      actor: JSON.parse(row[5]) as unknown,
      commandId: row[6],
      at: row[7],
      hash: row[8],
      previousHash: row[9],
    };
    if (upcasters.length > 0) {
      const today = upcast({ type: event.type, data: event.data });
      event.type = today.type;
      event.data = today.data;
    }
    return event;
  };
}
