import { EventEmitter } from 'node:events';
import type { RunOutput, RunView } from '../../src-main/contract/runs.ts';
import type { TicketDetail, TicketDraftInput, TicketSummary } from '../../src-main/contract/tickets.ts';
import { held } from '../support/workspace.ts';
import type { InProcessCore, OperatorClient } from '../support/workspace.ts';

/** What a ticket's first attempt came to. */
export interface Attempted {
  ticket: TicketDetail;
  /** What its command printed, whole. */
  output: string;
  /** Every line of the transcript. */
  lines: RunOutput[];
}

/** Orders tickets that attack, in a core that runs. */
export interface Siege {
  /** Drafts and approves. */
  order(brand: string, draft: TicketDraftInput): Promise<TicketDetail>;
  /** Settles when the ticket's feed shows what is asked for. */
  until(ticket: string, holds: (ticket: TicketDetail) => boolean): Promise<TicketDetail>;
  /** Settles when one of the ticket's runs shows what is asked for. */
  untilRun(ticket: string, holds: (run: RunView) => boolean): Promise<RunView>;
  /** Settles when the transcript of the ticket's first run holds this text. */
  untilSaid(ticket: string, text: string): Promise<void>;
  /**
   * Orders, waits for the end of the first attempt, and blocks what would try again. What halts for the operator is let pass: the
   * walls behind are what is tried.
   */
  attack(brand: string, draft: TicketDraftInput): Promise<Attempted>;
  transcript(run: string): Promise<RunOutput[]>;
  end(): Promise<void>;
}

/** Follows a core's feed; `end` stops following, and closes nothing else. */
export function laySiege({ client }: Pick<InProcessCore, 'client'>): Siege {
  const changes = new EventEmitter().setMaxListeners(0);
  const gone = new AbortController();
  const following = (async () => {
    for await (const item of await client.feed({}, { signal: gone.signal })) {
      // A feed that could not follow begins again: whoever waits looks again.
      if (item.kind === 'snapshot') for (const waiting of changes.eventNames()) changes.emit(waiting);
      if (item.kind === 'ticket') changes.emit(item.ticket.id);
      if (item.kind === 'run' && item.run.ticket !== null) changes.emit(item.run.ticket);
    }
  })().catch((error: unknown) => {
    if (!gone.signal.aborted) changes.emit('error', error);
  });

  const show = async (id: string) => held(await client.ticket.show({ id: id }));

  /** Looks now and after every change of the ticket or its runs, until there is something. */
  const whenThere = <T>(id: string, find: () => Promise<T | undefined>): Promise<T> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        find().then((found) => {
          if (found === undefined) return;
          changes.off(id, look);
          resolve(found);
        }, reject);
      };
      changes.on(id, look);
      look();
    });
  const until: Siege['until'] = (id, holds) =>
    whenThere(id, async () => {
      const ticket = await show(id);
      return holds(ticket) ? ticket : undefined;
    });

  const untilRun: Siege['untilRun'] = (id, holds) =>
    whenThere(id, async () => held(await client.run.list({ ticket: id })).find(holds));

  const order: Siege['order'] = async (brand, draft) => {
    const drafted = held(await client.ticket.draft({ brand: brand, draft: draft }));
    held(await client.ticket.approve({ id: drafted.id, hash: drafted.hash }));
    return drafted;
  };

  const transcript = async (run: string): Promise<RunOutput[]> => {
    const lines: RunOutput[] = [];
    for await (const line of await client.run.output({ id: run })) lines.push(line);
    return lines;
  };

  return {
    order,
    until,
    transcript,
    untilRun,
    async untilSaid(id, text) {
      const { id: run } = await untilRun(id, () => true);
      const reading = new AbortController();
      let said = '';
      try {
        const output = await client.run.output({ id: run }, { signal: reading.signal });
        for await (const line of output) {
          said += line.text;
          if (said.includes(text)) return;
        }
      } finally {
        reading.abort();
      }
      throw new Error(`${id} never said "${text}": ${said.slice(-1_000)}`);
    },
    async attack(brand, draft) {
      const { id } = await order(brand, draft);
      const over = (ticket: TicketSummary) => ['merged', 'blocked'].includes(ticket.state);
      const ended = (ticket: TicketDetail) =>
        over(ticket) || (ticket.attemptList[0]?.endedAt ?? null) !== null;
      const halted = ({ checkpoint }: TicketDetail) => checkpoint?.state === 'waiting';
      let first = await until(id, (ticket) => ended(ticket) || halted(ticket));
      if (!ended(first) && first.checkpoint) {
        held(await client.checkpoint.approve({ id: first.id, commit: first.checkpoint.commit }));
        first = await until(id, ended);
      }
      if (!over(first)) await client.ticket.block({ id: first.id, reason: 'one attempt is enough' });
      const ticket = await show(id);
      const run = ticket.attemptList[0]?.run;
      const lines = run === undefined ? [] : await transcript(run);
      const output = lines.flatMap((line) => (line.kind === 'stdout' ? [line.text] : [])).join('');
      return { ticket, output, lines };
    },
    async end() {
      gone.abort();
      await following;
    },
  };
}

/** The value that a command printed after a word of its own, as JSON. */
export function loot<T>(attempted: Pick<Attempted, 'output' | 'lines' | 'ticket'>, word = 'LOOT'): T {
  const line = attempted.output.split('\n').find((text) => text.startsWith(`${word} `));
  if (line === undefined)
    throw new Error(
      `nothing was brought back: ${attempted.ticket.reason}\n${attempted.lines
        .map((each) => each.text)
        .join('\n')
        .slice(-3_000)}`,
    );
  return JSON.parse(line.slice(word.length + 1)) as T;
}

/** A shell command that runs a program of this text with Node inside the walls. */
export function nodeProgram(text: string, then = ''): string {
  return `cat > /tmp/attack.mjs <<'END_OF_PROGRAM'\n${text}\nEND_OF_PROGRAM\nenv -u NODE_USE_ENV_PROXY node /tmp/attack.mjs\n${then}`;
}

/** How a ticket's first attempt ended, in a word. */
export async function verdictOf(client: OperatorClient, id: string): Promise<string> {
  const { attemptList } = held(await client.ticket.show({ id: id }));
  return attemptList[0]?.state ?? 'none';
}
