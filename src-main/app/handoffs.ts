import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Actor } from '../contract/events.ts';
import { fail, ok, type Result } from '../contract/errors.ts';
import { Handoff, type HandoffInput, type HandoffStatus, type HandoffView } from '../contract/handoff.ts';
import type { TicketId } from '../contract/ids.ts';
import type { EventStore } from '../services/event-store/index.ts';
import { writeFileAtomic } from './atomic-file.ts';
import { parseYaml } from './configuration.ts';

/** What one role leaves for the next: files under `brands/<id>/handoffs/`; the log says which were read. */
export interface Handoffs {
  write(input: HandoffInput, actor: Actor): Result<HandoffView>;
  /** Oldest first; a file that cannot be read is the failure. */
  list(ticket?: TicketId): Result<HandoffView[]>;
  /** One of them, which counts as read from then on. */
  read(id: string, by: string, actor: Actor): Result<HandoffView>;
}

const STREAM = 'handoffs';
const ENDING = '.json';
const STATUS = 'status';

export function createHandoffs(options: { folder: string; store: EventStore; now(): string }): Handoffs {
  const { folder, store, now } = options;

  const record = (event: Parameters<EventStore['append']>[0]['events'][number], actor: Actor) =>
    store.append({
      stream: STREAM,
      expectedVersion: store.version(STREAM),
      events: [event],
      commandId: `handoff:${randomBytes(8).toString('hex')}`,
      actor,
      at: now(),
    });

  const readers = (): Set<string> =>
    new Set(
      store
        .readStream(STREAM)
        .flatMap((event) =>
          event.type === 'handoff.read' ? [String((event.data as { handoff: unknown }).handoff)] : [],
        ),
    );

  const load = (id: string, read: ReadonlySet<string>): Result<HandoffView> => {
    const file = join(folder, `${id}${ENDING}`);
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return fail('invalid-file', `${file} cannot be read: ${why}`, 'restore it or take it away');
    }
    const parsed = parseYaml(text, file, Handoff);
    if (!parsed.ok) return parsed;
    const age = Math.max(0, Date.parse(now()) - Date.parse(parsed.value.timestamp));
    return ok({ ...parsed.value, id, read: read.has(id), unreadMs: read.has(id) ? 0 : age });
  };

  const ids = (): string[] =>
    existsSync(folder)
      ? readdirSync(folder)
          .filter((name) => name.endsWith(ENDING))
          .map((name) => name.slice(0, -ENDING.length))
          .filter((name) => name !== STATUS)
          .sort()
      : [];

  /** A file that cannot be read stands in no status; whoever lists the handoffs is told of it. */
  const writeStatus = () => {
    const read = readers();
    const status: HandoffStatus = ids().flatMap((id) => {
      const one = load(id, read);
      if (!one.ok) return [];
      const { from, to, ticket = null, timestamp } = one.value;
      return { handoff: id, from, to, ticket, unreadSince: one.value.read ? null : timestamp };
    });
    writeFileAtomic(join(folder, `${STATUS}${ENDING}`), `${JSON.stringify(status, null, 2)}\n`);
  };

  return {
    write(input, actor) {
      const handoff = Handoff.parse({ ...input, timestamp: new Date(now()).toISOString() });
      const id = `${handoff.timestamp.replace(/[:.]/g, '-')}-${randomBytes(4).toString('hex')}`;
      mkdirSync(folder, { recursive: true });
      writeFileAtomic(join(folder, `${id}${ENDING}`), `${JSON.stringify(handoff, null, 2)}\n`);
      const { ticket = null, from, to } = handoff;
      record({ type: 'handoff.written', data: { handoff: id, ticket, from, to } }, actor);
      writeStatus();
      return load(id, new Set());
    },
    list(ticket) {
      const read = readers();
      const found: HandoffView[] = [];
      for (const id of ids()) {
        const one = load(id, read);
        if (!one.ok) return one;
        if (ticket === undefined || one.value.ticket === ticket) found.push(one.value);
      }
      return ok(found);
    },
    read(id, by, actor) {
      if (!ids().includes(id))
        return fail('not-found', `there is no handoff ${id}`, 'see "atrium handoff read --brand BRAND"');
      const read = readers();
      const one = load(id, read);
      if (one.ok && !read.has(id)) {
        record({ type: 'handoff.read', data: { handoff: id, by } }, actor);
        writeStatus();
      }
      return one.ok ? ok({ ...one.value, read: true, unreadMs: 0 }) : one;
    },
  };
}
