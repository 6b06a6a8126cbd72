import { StoreFault } from './fault.ts';

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

/** Turns rows into events in today's shape. @throws StoreFault `corrupt` where a row's JSON was damaged. */
export interface Decoder {
  one(row: EventRow): StoredEvent;
  /** The same for many rows at once, faster: a replay spends most of its time here. */
  many(rows: readonly EventRow[]): StoredEvent[];
}

/** A decoder for these upcasters. */
export function createDecoder(upcasters: readonly Upcaster[]): Decoder {
  const event = (row: EventRow, data: unknown, actor: unknown): StoredEvent => {
    let today: NewEvent = { type: row[3], data };
    for (const upcaster of upcasters) {
      if (upcaster.type === today.type) today = upcaster.upcast(today);
    }
    return {
      position: row[0],
      stream: row[1],
      version: row[2],
      type: today.type,
      data: today.data,
      actor,
      commandId: row[6],
      at: row[7],
      hash: row[8],
      previousHash: row[9],
    };
  };
  const one = (row: EventRow): StoredEvent => event(row, parsed(row[4], row), parsed(row[5], row));
  return {
    one,
    many(rows) {
      // One call of the parser for the whole batch; in a batch with a damaged row, one by one, which names it.
      const values = parsedTogether(rows);
      return values?.length === rows.length * 2
        ? rows.map((row, index) => event(row, values[index * 2], values[index * 2 + 1]))
        : rows.map(one);
    },
  };
}

function parsed(text: string, row: EventRow): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new StoreFault(
      'corrupt',
      `Event ${row[0]} is damaged: it is not JSON; restore the store from a backup.`,
      error,
    );
  }
}

function parsedTogether(rows: readonly EventRow[]): unknown[] | undefined {
  let text = '';
  for (const row of rows) text += `${text === '' ? '[' : ','}${row[4]},${row[5]}`;
  try {
    return JSON.parse(`${text}]`) as unknown[];
  } catch {
    return undefined;
  }
}
