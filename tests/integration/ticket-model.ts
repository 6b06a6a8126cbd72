import type { BrandId, TicketId } from '../../src-main/contract/ids.ts';
import type { TicketState } from '../../src-main/contract/tickets.ts';

/** What a ticket says, as far as the model knows: enough to tell equal texts from different ones. */
export interface ModelText {
  title: string;
  dependsOn: TicketId[];
  parent: TicketId | null;
  runtime: 'command' | 'scripted' | null;
}

export interface ModelTicket {
  id: TicketId;
  text: ModelText;
  state: TicketState;
  blocked: string | null;
  predecessor: TicketId | null;
  successor: TicketId | null;
  comments: number;
  /** How each attempt ended; `running` where it has not. */
  attempts: ('running' | 'failed' | 'interrupted' | 'passed')[];
  counted: number;
  deaths: number;
  results: number;
}

/** What a command is answered: the ticket that it is about, or the code of the refusal. */
export type ModelAnswer = { ok: true; id: TicketId } | { ok: false; code: string };

const OPEN: readonly TicketState[] = ['draft', 'ready', 'in_progress', 'verifying'];

/** The life of tickets in one brand, written down a second time from the requirements: small, and without any events. */
export class Model {
  readonly brand: BrandId;
  readonly tickets = new Map<TicketId, ModelTicket>();

  constructor(brand: BrandId) {
    this.brand = brand;
  }

  ids(): TicketId[] {
    return [...this.tickets.keys()];
  }

  nextId(): TicketId {
    return `T-${this.brand}-${this.tickets.size + 1}` as TicketId;
  }

  draft(text: ModelText, predecessor: TicketId | null = null): ModelAnswer {
    const id = this.nextId();
    const refused = this.refuses(id, text);
    if (refused) return refused;
    this.tickets.set(id, {
      id,
      text,
      state: 'draft',
      blocked: null,
      predecessor,
      successor: null,
      comments: 0,
      attempts: [],
      counted: 0,
      deaths: 0,
      results: 0,
    });
    const before = predecessor && this.tickets.get(predecessor);
    if (before) before.successor ??= id;
    return { ok: true, id };
  }

  edit(id: TicketId, text: ModelText): ModelAnswer {
    const ticket = this.tickets.get(id);
    if (!ticket) return { ok: false, code: 'not-found' };
    const refused = this.refuses(id, text);
    if (refused) return refused;
    if (ticket.state === 'draft') {
      ticket.text = text;
      return { ok: true, id };
    }
    if (ticket.state === 'ready') {
      const next = this.draft(text, id);
      if (next.ok) this.block(ticket, 'withdrawn');
      return next;
    }
    if (ticket.state === 'blocked' && ticket.successor === null) return this.draft(text, id);
    return { ok: false, code: 'refused-transition' };
  }

  succeed(id: TicketId): ModelAnswer {
    const ticket = this.tickets.get(id);
    if (!ticket) return { ok: false, code: 'not-found' };
    if (ticket.state !== 'blocked') return { ok: false, code: 'refused-transition' };
    return this.edit(id, ticket.text);
  }

  approve(id: TicketId, hashFits: boolean): ModelAnswer {
    const ticket = this.tickets.get(id);
    if (!ticket) return { ok: false, code: 'not-found' };
    if (ticket.state !== 'draft') return { ok: false, code: 'refused-transition' };
    if (!hashFits) return { ok: false, code: 'hash-mismatch' };
    ticket.state = 'ready';
    return { ok: true, id };
  }

  onDraft(id: TicketId, change: (ticket: ModelTicket) => void): ModelAnswer {
    const ticket = this.tickets.get(id);
    if (!ticket) return { ok: false, code: 'not-found' };
    if (ticket.state !== 'draft') return { ok: false, code: 'refused-transition' };
    change(ticket);
    return { ok: true, id };
  }

  comment(id: TicketId): ModelAnswer {
    const ticket = this.tickets.get(id);
    if (!ticket) return { ok: false, code: 'not-found' };
    ticket.comments += 1;
    return { ok: true, id };
  }

  operatorBlocks(id: TicketId): ModelAnswer {
    const ticket = this.tickets.get(id);
    if (!ticket) return { ok: false, code: 'not-found' };
    if (!OPEN.includes(ticket.state)) return { ok: false, code: 'refused-transition' };
    this.block(ticket, 'operator');
    return { ok: true, id };
  }

  /** Whether the core may start an attempt. */
  startable(ticket: ModelTicket): boolean {
    return (
      ['ready', 'in_progress', 'verifying'].includes(ticket.state) && ticket.attempts.at(-1) !== 'running'
    );
  }

  start(ticket: ModelTicket): void {
    if (ticket.state === 'ready') ticket.state = 'in_progress';
    ticket.attempts.push('running');
  }

  end(ticket: ModelTicket, how: { counts: boolean; death: boolean }): void {
    ticket.attempts[ticket.attempts.length - 1] = how.counts ? 'failed' : 'interrupted';
    if (how.counts) ticket.counted += 1;
    if (how.death) ticket.deaths += 1;
    if (ticket.counted >= 3) this.block(ticket, 'dead-letter');
    else if (ticket.deaths >= 3) this.block(ticket, 'crash-loop');
  }

  submit(ticket: ModelTicket): void {
    ticket.results += 1;
    ticket.state = 'verifying';
  }

  merge(ticket: ModelTicket): void {
    ticket.attempts[ticket.attempts.length - 1] = 'passed';
    ticket.state = 'merged';
  }

  /** Whether something is about to happen by itself. */
  unsettled(): boolean {
    return [...this.tickets.values()].some((ticket) => this.startable(ticket) && this.waitsInVain(ticket));
  }

  /** What happens by itself: a ticket whose dependency is blocked is blocked, as soon as nothing works on it. */
  settle(): void {
    for (let changed = true; changed;) {
      changed = false;
      for (const ticket of this.tickets.values()) {
        if (!this.startable(ticket) || !this.waitsInVain(ticket)) continue;
        this.block(ticket, 'dependency');
        changed = true;
      }
    }
  }

  /** Open, in nobody's hands, nothing that it waits for. */
  available(): TicketId[] {
    return [...this.tickets.values()]
      .filter(
        (ticket) =>
          ticket.state === 'ready' &&
          ticket.text.dependsOn.every((id) => this.tickets.get(id)?.state === 'merged'),
      )
      .map((ticket) => ticket.id);
  }

  private waitsInVain(ticket: ModelTicket): boolean {
    return ticket.text.dependsOn.some((id) => this.tickets.get(id)?.state === 'blocked');
  }

  private block(ticket: ModelTicket, reason: string): void {
    ticket.state = 'blocked';
    ticket.blocked = reason;
    if (ticket.attempts.at(-1) === 'running') ticket.attempts[ticket.attempts.length - 1] = 'interrupted';
  }

  private refuses(id: TicketId, text: ModelText): { ok: false; code: string } | null {
    for (const other of [...text.dependsOn, ...(text.parent ? [text.parent] : [])])
      if (other !== id && !this.tickets.has(other)) return { ok: false, code: 'invalid-input' };
    const reaches = (from: readonly TicketId[], next: (of: ModelText) => readonly TicketId[]): boolean => {
      const seen = new Set<TicketId>();
      const queue = [...from];
      for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
        if (at === id) return true;
        if (seen.has(at)) continue;
        seen.add(at);
        const found = this.tickets.get(at);
        if (found) queue.push(...next(found.text));
      }
      return false;
    };
    const parents = (of: ModelText) => (of.parent ? [of.parent] : []);
    return reaches(text.dependsOn, (of) => of.dependsOn) || reaches(parents(text), parents)
      ? { ok: false, code: 'dependency-cycle' }
      : null;
  }
}
