import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import type { AddressInfo } from 'node:net';
import { implement } from '@orpc/server';
import { RPCHandler } from '@orpc/server/ws';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { fail, ok } from '../../../src-main/contract/errors.ts';
import { type GuardProof, LayerName, type LayerProof } from '../../../src-main/contract/layers.ts';
import type { BrandView } from '../../../src-main/contract/brands.ts';
import type { FeedItem } from '../../../src-main/contract/feed.ts';
import type { RunOutput } from '../../../src-main/contract/runs.ts';
import type { StartReport } from '../../../src-main/contract/start.ts';
import { operatorApi } from '../../../src-main/contract/operator-api.ts';
import { TicketDraft } from '../../../src-main/contract/tickets.ts';
import type { TicketDetail } from '../../../src-main/contract/tickets.ts';
import { TERMINAL_PATH } from '../../../src-main/contract/terminal-names.ts';
import { countWaiting } from '../../../src-main/domain/waiting.ts';
import { standInAsks } from './stand-in-asks.ts';
import { standInTerminals } from './stand-in-terminals.ts';
import { decisionsOf } from './guard-fixtures.ts';
import { type Amount, difference, output, pagesOf, snapshotOf, ticket, ticketsOf } from './fixtures.ts';
import { waitsOf } from './waits.ts';
import type { AskView } from '../../../src-main/contract/guard.ts';
import { urgentFirst } from '../../../src-main/domain/urgency.ts';
import { examination } from './fixture-doctor.ts';

/** A core of fixtures: it serves the built window and answers the operator's contract from memory. */
export interface StandIn {
  /** The address to open, with its token. */
  url(path?: string): string;
  /** What the operator asked for, in order. */
  asked: { name: string; input: unknown }[];
  /** Tells every window something. */
  tell(item: FeedItem): void;
  /** Puts a ticket in the place of what was there, and tells it. */
  replace(value: TicketDetail): void;
  /** Puts a question of the guard in the place of what was there, and tells what waits. */
  asks(value: AskView): void;
  /** Ends every line and refuses new ones, until `comeBack`. */
  goAway(): void;
  comeBack(): void;
  close(): Promise<void>;
}

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.woff2': 'font/woff2',
};
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; img-src 'self' data:; connect-src 'self' ws://127.0.0.1:*; require-trusted-types-for 'script'";
const token = 'stand-in-token';
const session = 'stand-in-session';

/** A queue that an async generator drains until it is closed. */
class Mailbox<T> {
  readonly #items: T[] = [];
  #wake: (() => void) | null = null;
  #closed = false;

  push(item: T): void {
    this.#items.push(item);
    this.#wake?.();
  }

  close(): void {
    this.#closed = true;
    this.#wake?.();
  }

  async *drain(signal?: AbortSignal): AsyncGenerator<T, void> {
    const stop = () => this.close();
    signal?.addEventListener('abort', stop, { once: true });
    while (!this.#closed || this.#items.length > 0) {
      const item = this.#items.shift();
      if (item !== undefined) yield item;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

export interface StandInOptions {
  /** Folder of the built window. */
  renderer: string;
  amount?: Amount;
  port?: number;
}

export async function startStandIn({
  renderer,
  amount = 'some',
  port = 0,
}: StandInOptions): Promise<StandIn> {
  const snapshot = snapshotOf(amount);
  const terminals = standInTerminals(session);
  const tickets = new Map<string, TicketDetail>(ticketsOf(amount).map((each) => [each.id, each]));
  const pages = pagesOf(amount);
  const asked: StandIn['asked'] = [];
  const boxes = new Set<Mailbox<FeedItem>>();
  const sockets = new Set<WebSocket>();
  let away = false;
  let position = 1_000;

  const tell = (item: FeedItem) => {
    for (const box of boxes) box.push(item);
  };
  const asks = standInAsks((brand) => tellWaiting(brand));
  const waiting = () => urgentFirst([...waitsOf(tickets.values()), ...asks.waiting()]);
  const tellWaiting = (brand: TicketDetail['brand']) =>
    tell({ kind: 'waiting', brand, items: waiting().filter((item) => item.brand === brand) });
  const missing = (id: string) =>
    fail('not-found', `There is no ticket ${id}.`, 'Look at the list of tickets.');
  const store = (value: TicketDetail, text: string) => {
    const at = new Date().toISOString();
    const next = {
      ...value,
      version: value.version + 1,
      updatedAt: at,
      timeline: [...value.timeline, { at, position: ++position, type: 'told', text }],
    };
    tickets.set(next.id, next);
    tell({ kind: 'ticket', ticket: next });
    tellWaiting(next.brand);
    tell({
      kind: 'activity',
      brand: next.brand,
      ticket: next.id,
      entry: { at, position, type: 'told', text },
    });
    return next;
  };
  const change = (id: string, text: string, part: Partial<TicketDetail>) => {
    const known = tickets.get(id);
    return known === undefined ? missing(id) : ok(store({ ...known, ...part }, text));
  };
  const review = (id: string, version: number, decision: 'approved' | 'revision', note: string) => {
    const known = tickets.get(id);
    if (known === undefined) return missing(id);
    const plans = known.plans.map((each) =>
      each.version === version
        ? { ...each, review: { decision, note, by: 'operator', at: new Date().toISOString() } }
        : each,
    );
    const planState = decision === 'approved' ? ('approved' as const) : ('none' as const);
    return change(id, `You decided about version ${version} of the plan`, { plans, planState });
  };
  const drafted = (brand: string, draft: TicketDraft) => {
    const numbers = [...tickets.values()]
      .filter((each) => each.brand === brand)
      .map((each) => Number(each.id.split('-').at(-1)));
    const { runtime, command, commit, model, mode, parent, repository, contract, rules, ...rest } = draft;
    const made = ticket({
      ...rest,
      commit: commit ?? null,
      id: `T-${brand}-${Math.max(0, ...numbers) + 1}`,
      brand,
      state: 'draft',
      contract: contract ?? 'ticket-executor',
      ...(rules && { rules }),
      runtime: runtime ?? 'gemini',
      command: command ?? null,
      model: model ?? null,
      mode: mode ?? 'direct',
      parent: parent ?? null,
      repository: repository ?? `${brand}-site`,
      hash: Math.random().toString(16).slice(2).padEnd(16, '0'),
      createdAt: new Date().toISOString(),
    });
    return store(made, 'You drafted the ticket');
  };

  const api = implement(operatorApi).use(({ next, path }, input) => {
    if (path.at(-1) !== 'feed') asked.push({ name: path.join('.'), input });
    return next();
  });

  const startReport = (phases: number): StartReport => {
    const all = snapshot.lastStart?.phases ?? [];
    const report: StartReport = {
      run: 'S-now',
      phases: all.slice(0, phases),
      waiting: countWaiting(waiting()),
      merged: [],
      blocked: [],
    };
    return report;
  };

  const router = api.router({
    status: api.status.handler(() =>
      ok({
        workspace: '/home/op/atrium',
        core: null,
        brands: [],
        waiting: countWaiting(waiting()),
        waits: waiting(),
        running: 2,
      }),
    ),
    snapshot: api.snapshot.handler(() =>
      ok({ ...snapshot, tickets: [...tickets.values()], waiting: waiting() }),
    ),
    waiting: api.waiting.handler(() => ok(waiting())),
    feed: api.feed.handler(async function* ({ signal }) {
      const box = new Mailbox<FeedItem>();
      boxes.add(box);
      try {
        yield {
          kind: 'snapshot',
          snapshot: { ...snapshot, tickets: [...tickets.values()], waiting: waiting() },
        };
        yield* box.drain(signal);
      } finally {
        boxes.delete(box);
      }
    }),
    stopCore: api.stopCore.handler(() => ok({})),
    brand: {
      accept: api.brand.accept.handler(({ input }) =>
        ok({ repository: input.repository, commit: input.commit }),
      ),
      add: api.brand.add.handler(async ({ input }) => {
        const brand = {
          id: input.id,
          name: input.name,
          colour: 5,
          sealed: input.sealed,
          state: 'open' as const,
          repositories: [
            {
              name: 'shop',
              path: input.repositories[0] ?? '',
              branch: 'main',
              checks: {
                setup: input.setup ?? 'none',
                test: input.test ?? 'none',
                lint: input.lint ?? 'none',
                count: input.count ?? ('exit' as const),
              },
              baseline: 'red' as const,
              detail: 'npm test ended with exit code 1: 2 of 18 tests fail',
            },
          ],
        };
        snapshot.brands.push(brand);
        tell({ kind: 'brand', brand });
        return ok(brand);
      }),
      guess: api.brand.guess.handler(({ input }) =>
        input.path.includes('missing')
          ? fail(
              'not-a-repository',
              `${input.path} is not a git repository.`,
              'Choose a folder that has one, or make one there with git init.',
            )
          : ok({
              path: input.path,
              name: 'shop',
              branch: 'main',
              commit: 'f'.repeat(40),
              checks: { setup: 'npm ci', test: 'npm test', lint: 'npm run lint', count: 'tap' },
              lockfiles: ['package-lock.json'],
              setupHosts: ['registry.npmjs.org'],
              notes: ['package.json declares the scripts “test” and “lint”.'],
            }),
      ),
      list: api.brand.list.handler(() => ok(snapshot.brands)),
      show: api.brand.show.handler(({ input }) => {
        const brand = snapshot.brands.find((each) => each.id === input.id);
        return brand === undefined ? fail('not-found', `There is no brand ${input.id}.`) : ok(brand);
      }),
    },
    ticket: {
      draft: api.ticket.draft.handler(({ input }) =>
        input.draft.title.includes('refuse')
          ? fail(
              'invalid-input',
              'A ticket for the command runtime needs a command.',
              'Add details and write the command.',
            )
          : ok(drafted(input.brand, input.draft)),
      ),
      edit: api.ticket.edit.handler(({ input }) => {
        const known = tickets.get(input.id);
        if (known === undefined) return missing(input.id);
        const {
          runtime,
          command,
          commit,
          model,
          mode,
          parent: _,
          repository,
          contract,
          rules,
          ...rest
        } = input.draft;
        return ok(
          store(
            {
              ...known,
              ...rest,
              commit: commit ?? null,
              contract: contract ?? known.contract,
              ...(rules && { rules }),
              runtime: runtime ?? known.runtime,
              command: command ?? null,
              model: model ?? null,
              mode: mode ?? known.mode,
              repository: repository ?? known.repository,
              hash: `${known.version}${known.hash}`,
            },
            'You changed it',
          ),
        );
      }),
      list: api.ticket.list.handler(() => ok([...tickets.values()])),
      show: api.ticket.show.handler(({ input }) => {
        const known = tickets.get(input.id);
        return known === undefined ? missing(input.id) : ok(known);
      }),
      approve: api.ticket.approve.handler(({ input }) =>
        tickets.get(input.id)?.hash !== input.hash
          ? fail(
              'hash-mismatch',
              `${input.id} is not the text that was shown.`,
              'Read it again and approve what it says now.',
            )
          : change(input.id, 'You approved it', {
              state: 'ready',
              reason: 'Waits for a place among the runs',
            }),
      ),
      return: api.ticket.return.handler(({ input }) =>
        change(input.id, `You sent it back: ${input.note}`, {}),
      ),
      block: api.ticket.block.handler(({ input }) =>
        change(input.id, `You blocked it: ${input.reason}`, {
          state: 'blocked',
          blockedReason: 'operator',
          reason: `You blocked it: ${input.reason}`,
        }),
      ),
      succeed: api.ticket.succeed.handler(({ input }) => {
        const known = tickets.get(input.id);
        if (known === undefined) return missing(input.id);
        const next = drafted(known.brand, TicketDraft.parse({ title: known.title, paths: known.paths }));
        change(known.id, `Its place is taken by ${next.id}`, { successor: next.id });
        const successor = { ...next, predecessor: known.id };
        tickets.set(next.id, successor);
        return ok(successor);
      }),
      comment: api.ticket.comment.handler(({ input }) => change(input.id, `You: ${input.text}`, {})),
      acknowledge: api.ticket.acknowledge.handler(({ input }) =>
        change(input.id, 'You have seen that it stopped', { blockedReason: 'operator: seen' }),
      ),
      reassign: api.ticket.reassign.handler(({ input }) =>
        change(input.id, `You gave it to ${input.runtime}`, { runtime: input.runtime }),
      ),
      diff: api.ticket.diff.handler(({ input }) =>
        ok({ text: (tickets.get(input.id)?.attempts ?? 0) > 0 ? difference : '', truncated: false }),
      ),
      reach: api.ticket.reach.handler(({ input }) =>
        ok(
          (tickets.get(input.id)?.paths ?? []).map((glob, index) => ({
            glob,
            files: [14, 0, 1][index] ?? 0,
          })),
        ),
      ),
    },
    plan: {
      show: api.plan.show.handler(({ input }) => {
        const known = tickets.get(input.id);
        return known === undefined
          ? missing(input.id)
          : ok({ ticket: known.id, state: known.planState, plans: known.plans });
      }),
      approve: api.plan.approve.handler(({ input }) =>
        review(input.id, input.version, 'approved', input.note),
      ),
      revise: api.plan.revise.handler(({ input }) => review(input.id, input.version, 'revision', input.note)),
    },
    question: {
      answer: api.question.answer.handler(({ input }) => {
        const known = tickets.get(input.id);
        if (known === undefined) return missing(input.id);
        const questions = known.questions.map((each) =>
          each.id === input.question
            ? { ...each, answer: input.answer, answeredAt: new Date().toISOString() }
            : each,
        );
        return change(input.id, `You answered: ${input.answer}`, { questions });
      }),
    },
    checkpoint: {
      approve: api.checkpoint.approve.handler(({ input }) => {
        const known = tickets.get(input.id);
        if (!known?.checkpoint) return missing(input.id);
        return change(input.id, 'You approved what it touches', {
          checkpoint: { ...known.checkpoint, state: 'approved' },
        });
      }),
      refuse: api.checkpoint.refuse.handler(({ input }) => {
        const known = tickets.get(input.id);
        if (!known?.checkpoint) return missing(input.id);
        return change(input.id, `You refused what it touches: ${input.note}`, {
          state: 'blocked',
          blockedReason: 'operator',
          reason: `the operator refused what it touches: ${input.note}`,
          checkpoint: { ...known.checkpoint, state: 'refused' },
        });
      }),
    },
    handoff: {
      write: api.handoff.write.handler(() => fail('not-built', 'The stand-in keeps no handoffs.')),
      list: api.handoff.list.handler(() => ok([])),
      read: api.handoff.read.handler(({ input }) => fail('not-found', `There is no handoff ${input.id}.`)),
    },
    run: {
      list: api.run.list.handler(() => ok(snapshot.runs)),
      show: api.run.show.handler(({ input }) => {
        const run = snapshot.runs.find((each) => each.id === input.id);
        return run === undefined ? fail('not-found', `There is no run ${input.id}.`) : ok(run);
      }),
      stop: api.run.stop.handler(({ input }) => {
        const run = snapshot.runs.find((each) => each.id === input.id);
        if (run === undefined) return fail('not-found', `There is no run ${input.id}.`);
        const stopped = {
          ...run,
          state: 'stopped' as const,
          reason: 'You stopped it',
          endedAt: new Date().toISOString(),
        };
        tell({ kind: 'run', run: stopped });
        return ok(stopped);
      }),
      output: api.run.output.handler(async function* ({ input }) {
        for (const [index, line] of output.entries())
          if (index > input.after) yield { ...line, index } satisfies RunOutput;
      }),
    },
    terminal: {
      list: api.terminal.list.handler(({ input }) => ok(terminals.list(input.brand))),
      open: api.terminal.open.handler(({ input }) =>
        input.brand === 'quant'
          ? fail('sandbox-unavailable', 'There is no launcher at /usr/bin/bwrap.', 'Install bubblewrap.')
          : terminals.open(input.brand, input.repository ?? `${input.brand}-site`, input),
      ),
      close: api.terminal.close.handler(({ input }) => terminals.close(input.id)),
    },
    desk: {
      show: api.desk.show.handler(({ input }) =>
        ok([
          {
            brand: input.brand,
            repository: `${input.brand}-site`,
            folder: `/home/op/atrium/checkouts/${input.brand}/desk-${input.brand}-site`,
            made: true,
            base: '1'.repeat(40),
            head: '2'.repeat(40),
            ahead: 2,
            dirty: ['content/releases/night-office.md', 'src/a page with a long name.tsx'],
          },
        ]),
      ),
      propose: api.desk.propose.handler(({ input }) =>
        ok(
          store(
            {
              ...drafted(
                input.brand,
                TicketDraft.parse({ title: input.title, acceptance: input.acceptance }),
              ),
              runtime: 'command',
              commit: '2'.repeat(40),
            },
            'Proposed from the desk',
          ),
        ),
      ),
    },
    start: api.start.handler(async function* () {
      for (let phases = 1; phases <= 9; phases++) {
        const report = startReport(phases);
        tell({ kind: 'start', report, ended: phases === 9 });
        yield report;
      }
    }),
    guard: {
      check: api.guard.check.handler(() => fail('not-built', 'The stand-in has no guard.')),
      prove: api.guard.prove.handler(() => ok(layersOf(snapshot.brands, true))),
      layers: api.guard.layers.handler(() => ok(layersOf(snapshot.brands, false))),
      hook: api.guard.hook.handler(() => fail('not-built', 'The stand-in has no guard.')),
      asks: api.guard.asks.handler(() => ok(asks.list())),
      answer: api.guard.answer.handler(({ input }) => asks.answer(input)),
      log: api.guard.log.handler(({ input }) =>
        ok(
          decisionsOf(amount)
            .filter(({ decision }) => (input.decision ?? decision) === decision)
            .slice(0, input.limit),
        ),
      ),
    },
    doctor: api.doctor.handler(() => {
      const report = examination(new Date().toISOString());
      tell({ kind: 'doctor', report });
      return ok(report);
    }),
    cost: api.cost.handler(({ input }) =>
      ok({
        currency: 'USD' as const,
        total: amount === 'none' ? 0 : 4.61,
        rows:
          amount === 'none'
            ? []
            : (input.by === 'day'
                ? ['2026-11-20', '2026-11-19', '2026-11-18']
                : input.by === 'model'
                  ? ['gemini-3-pro', 'claude-opus-5']
                  : ['label', 'quant']
              ).map((key, index) => ({
                key,
                inputTokens: 482_100 - index * 100_000,
                outputTokens: 30_200 - index * 9_000,
                costUsd: 2.31 - index,
              })),
      }),
    ),
    wiki: {
      search: api.wiki.search.handler(({ input }) =>
        ok(
          pages
            .filter((page) => `${page.title} ${page.body}`.toLowerCase().includes(input.query.toLowerCase()))
            .slice(0, input.limit)
            .map(({ page, title, brand, confidence, sources }) => ({
              page,
              title,
              brand,
              confidence,
              sources,
              snippet: `where \u0002${input.query}\u0003 is kept, and <b>more</b> words around it`,
            })),
        ),
      ),
      list: api.wiki.list.handler(({ input }) =>
        ok(
          pages
            .filter((page) => input.brand === undefined || page.brand === input.brand)
            .map(({ page, title, brand }) => ({ page, title, brand })),
        ),
      ),
      show: api.wiki.show.handler(({ input }) => {
        const page = pages.find((each) => each.page === input.page);
        return page === undefined
          ? fail('not-found', `There is no page ${input.page}.`, 'Search for it, or choose it in the tree.')
          : ok(page);
      }),
    },
    activity: api.activity.handler(({ input }) =>
      ok(
        [...tickets.values()]
          .filter((each) => each.brand === input.brand)
          .flatMap((each) =>
            each.timeline.map((entry) => ({
              ...entry,

              ticket: each.id,
              position: Number(each.id.split('-').at(-1)) * 100 + entry.position,
            })),
          )
          .sort((a, b) => b.position - a.position)
          .filter((entry) => input.before === undefined || entry.position < input.before)
          .slice(0, input.limit),
      ),
    ),
    events: api.events.handler(() => ok([])),
    export: api.export.handler(() => ok([])),
    import: api.import.handler(() => fail('not-built', 'The stand-in imports nothing.')),
  });

  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url ?? '/', 'http://x').pathname);
    const asset = extname(path) !== '';
    readFile(join(renderer, asset ? path : 'index.html')).then(
      (body) =>
        response
          .writeHead(200, {
            'content-type': types[asset ? extname(path) : '.html'] ?? 'application/octet-stream',
            'content-security-policy': policy,
          })
          .end(body),
      () => response.writeHead(404).end(),
    );
  });
  const handler = new RPCHandler(router);
  const door = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    if (away) {
      socket.destroy();
      return;
    }
    if (request.url === TERMINAL_PATH) {
      terminals.accept(request, socket, head);
      return;
    }
    door.handleUpgrade(request, socket, head, (line) => {
      sockets.add(line);
      line.on('close', () => sockets.delete(line));
      line.once('message', (data) => {
        const hello = JSON.parse((data as Buffer).toString('utf8')) as { token?: string; session?: string };
        if (hello.token !== token && hello.session !== session) {
          line.close(4401);
          return;
        }
        line.send(JSON.stringify({ type: 'welcome', session }));
        void handler.upgrade(line);
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const { port: bound } = server.address() as AddressInfo;
  const cut = () => {
    for (const line of sockets) line.terminate();
  };

  return {
    url: (path = '/') => `http://127.0.0.1:${bound}${path}#token=${token}`,
    asked,
    tell,
    replace(value) {
      tickets.set(value.id, value);
      tell({ kind: 'ticket', ticket: value });
      tellWaiting(value.brand);
    },
    asks: asks.put,
    goAway() {
      away = true;
      cut();
    },
    comeBack() {
      away = false;
    },
    async close() {
      cut();
      for (const box of boxes) box.close();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Every brand's layers: the last one lacks its third, and what was never proved has none. */
function layersOf(brands: readonly BrandView[], proved: boolean): GuardProof {
  const shown = brands.map(({ id, sealed }, index): GuardProof['brands'][number] => {
    const at = proved || index > 0 ? new Date(Date.now() - 90_000).toISOString() : null;
    const layers = LayerName.options.map((layer): LayerProof => {
      const live = layer !== 'kernel' || index < brands.length - 1;
      const detail = live
        ? '19 canaries denied'
        : 'this kernel has no Landlock; its runs do without, and a sealed brand does not run';
      return { layer, live, detail, canaries: [{ name: 'write to /usr', denied: true }] };
    });
    return { id, sealed, at, layers: at === null ? [] : layers };
  });
  return { brands: shown, breaches: 0 };
}
