import { createRouterClient } from '@orpc/server';
import fc from 'fast-check';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createHandlers } from '../../src-main/app/handlers/index.ts';
import { openWorkspace } from '../../src-main/app/open-workspace.ts';
import type { OpenBrand } from '../../src-main/app/brand-register.ts';
import type { Actor, RecordedEvent } from '../../src-main/contract/events.ts';
import type { Result } from '../../src-main/contract/errors.ts';
import type {
  AttemptId,
  BrandId,
  CommandId,
  CommitId,
  RunId,
  TicketId,
} from '../../src-main/contract/ids.ts';
import { operatorApi } from '../../src-main/contract/operator-api.ts';
import type {
  TicketDetail,
  TicketDraftInput,
  TicketState,
  TicketSummary,
} from '../../src-main/contract/tickets.ts';
import { addBrand, appRoot, held, makePlace, nodePath } from '../support/workspace.ts';
import type { OperatorClient, TestPlace } from '../support/workspace.ts';
import { Model } from './ticket-model.ts';
import type { ModelAnswer, ModelText, ModelTicket } from './ticket-model.ts';
import { life, operatorsLife } from './ticket-steps.ts';
import type { Step } from './ticket-steps.ts';

/** The gate's word that nothing is left for a person to decide. */
const cleared = { name: 'checkpoints' as const, outcome: 'pass' as const, detail: '', durationMs: 0 };

const core: Actor = { kind: 'core', part: 'test' };

/** A brand of its own in a core that starts nothing by itself. */
interface Ground {
  brand: BrandId;
  client: OperatorClient;
  /** Where the core's own outcomes enter; absent where only a door is there. */
  open?: OpenBrand;
  head: CommitId;
}

/** A core inside this process, with what stands behind its door. */
interface Composed {
  place: TestPlace;
  client: OperatorClient;
  ground(brand: BrandId): Promise<Ground>;
  close(): Promise<void>;
}

async function compose(): Promise<Composed> {
  const place = makePlace({ dispatch: 'on-start' });
  const faults: string[] = [];
  const workspace = held(
    await openWorkspace({
      workspace: place.workspace,
      appRoot,
      nodePath,
      version: '0.0.0-test',
      environment: place.environment,
      log: ({ level, message }) => {
        if (level === 'error') faults.push(message);
      },
    }),
  );
  const client = createRouterClient(createHandlers(workspace), {
    context: { door: 'cli' },
  }) as OperatorClient;
  return {
    place,
    client,
    async ground(brand) {
      const repository = place.repository(brand, { 'a.txt': 'a\n' });
      await addBrand(client, brand, repository.path);
      const open = workspace.brand(brand);
      if (!open) throw new Error('the brand is not open');
      return { brand, client, open, head: repository.git('rev-parse', 'HEAD') };
    },
    async close() {
      await workspace.close();
      place.remove();
      expect(faults).toEqual([]);
    },
  };
}

const draftOf = (text: ModelText): TicketDraftInput => ({
  title: text.title,
  command: '[]',
  acceptance: ['true'],
  dependsOn: text.dependsOn,
  ...(text.parent ? { parent: text.parent } : {}),
  ...(text.runtime ? { runtime: text.runtime } : {}),
});

/** Plays a life against the core and the model at once, and compares them after every step. */
class Play {
  readonly model: Model;
  readonly sent: { again(): Promise<Result<TicketSummary>>; answer: Result<TicketSummary> }[] = [];
  /** Texts that a hash was shown for: one text has one hash, two texts have two. */
  readonly hashes = new Map<string, string>();
  readonly stale = new Map<TicketId, string>();
  readonly ground: Ground;
  commands = 0;

  constructor(ground: Ground) {
    this.ground = ground;
    this.model = new Model(ground.brand);
  }

  idAt(n: number): TicketId {
    const ids = this.model.ids();
    return n === ids.length ? this.model.nextId() : (ids[n % ids.length] ?? this.model.nextId());
  }

  async step(step: Step): Promise<void> {
    const { brand } = this.ground;
    if (step.do === 'repeat') return this.repeat(step.earlier);
    const id = this.idAt(step.ticket);
    const ticket = this.model.tickets.get(id);
    switch (step.do) {
      case 'draft': {
        const text = this.textOf(step);
        const draft = draftOf(text) as never;
        return this.send(
          (commandId) => this.ground.client.ticket.draft({ commandId, brand, draft }),
          this.model.draft(text),
        );
      }
      case 'edit': {
        const text = this.textOf(step);
        const draft = draftOf(text) as never;
        if (ticket) this.stale.set(id, await this.hashOf(id));
        return this.send(
          (commandId) => this.ground.client.ticket.edit({ commandId, id, draft }),
          this.model.edit(id, text),
        );
      }
      case 'approve': {
        const shown = ticket ? await this.hashOf(id) : 'none';
        const other = await this.hashOf(this.idAt(step.ticket + 1));
        const hash = { shown, stale: this.stale.get(id) ?? '', wrong: `${shown}0`, 'of-another': other }[
          step.hash
        ];
        return this.send(
          (commandId) => this.ground.client.ticket.approve({ commandId, id, hash }),
          this.model.approve(id, hash === shown),
        );
      }
      case 'return':
        return this.send(
          (commandId) => this.ground.client.ticket.return({ commandId, id, note: 'say more' }),
          this.model.onDraft(id, (one) => (one.comments += 1)),
        );
      case 'reassign':
        if (ticket) this.stale.set(id, await this.hashOf(id));
        return this.send(
          (commandId) => this.ground.client.ticket.reassign({ commandId, id, runtime: step.runtime }),
          ticket
            ? this.model.edit(id, { ...ticket.text, runtime: step.runtime })
            : { ok: false, code: 'not-found' },
        );
      case 'comment':
        return this.send(
          (commandId) => this.ground.client.ticket.comment({ commandId, id, text: 'seen' }),
          this.model.comment(id),
        );
      case 'block':
        return this.send(
          (commandId) => this.ground.client.ticket.block({ commandId, id, reason: 'not now' }),
          this.model.operatorBlocks(id),
        );
      case 'succeed':
        return this.send(
          (commandId) => this.ground.client.ticket.succeed({ commandId, id }),
          this.model.succeed(id),
          'not-decided',
        );
      case 'core-starts':
        if (ticket) this.coreStarts(ticket);
        return;
      case 'core-ends':
        if (ticket) this.coreEnds(ticket, step.how);
    }
  }

  private textOf(step: Extract<Step, { do: 'draft' | 'edit' }>): ModelText {
    return {
      title: `Title ${step.title}`,
      dependsOn: [...new Set(step.dependsOn.map((n) => this.idAt(n)))],
      parent: step.parent === null ? null : this.idAt(step.parent),
      runtime: null,
    };
  }

  private async hashOf(id: TicketId): Promise<string> {
    const shown = await this.ground.client.ticket.show({ id });
    return shown.ok ? shown.value.hash : '';
  }

  private async send(
    call: (commandId: CommandId) => Promise<Result<TicketSummary>>,
    expected: ModelAnswer,
    keptAs?: 'not-decided',
  ): Promise<void> {
    const commandId = `command-${(this.commands += 1)}` as CommandId;
    const answer = await call(commandId);
    expect(answer.ok ? { ok: true, id: answer.value.id } : { ok: false, code: answer.failure.code }).toEqual(
      expected,
    );
    // What is not there yet, and what is not blocked yet, was not decided about: only an answer to a decision is kept.
    const decided = answer.ok || !['not-found', 'not-decided'].includes(keptAs ?? answer.failure.code);
    if (decided) this.sent.push({ again: () => call(commandId), answer });
  }

  /** The same command with the same id: the same answer, and nothing happens. */
  private async repeat(earlier: number): Promise<void> {
    const one = this.sent[earlier % Math.max(1, this.sent.length)];
    if (!one) return;
    const before = (await this.events()).length;
    const answer = await one.again();
    expect((await this.events()).length).toBe(before);
    if (one.answer.ok) expect(answer.ok && answer.value.id).toBe(one.answer.value.id);
    else expect(answer).toEqual(one.answer);
  }

  private tell(
    id: TicketId,
    command: Parameters<OpenBrand['brand']['tickets']['execute']>[1],
    actor = core,
  ): Result<unknown> {
    return this.ground.open?.brand.tickets.execute(id, command, actor) ?? { ok: true, value: null };
  }

  private coreStarts(ticket: ModelTicket): void {
    const { id } = ticket;
    const attempt = `${id}.${ticket.attempts.length + 1}` as AttemptId;
    const run = `R-run-${ticket.attempts.length}` as RunId;
    const told = this.tell(id, { type: 'start-attempt', attempt, run, base: this.ground.head });
    expect(told.ok).toBe(this.model.startable(ticket));
    if (told.ok) this.model.start(ticket);
  }

  private coreEnds(ticket: ModelTicket, how: Extract<Step, { do: 'core-ends' }>['how']): void {
    const { id } = ticket;
    const attempt = `${id}.${Math.max(1, ticket.attempts.length)}` as AttemptId;
    const executor = `R-run-${ticket.attempts.length - 1}` as RunId;
    const run: Actor = { kind: 'run', run: executor, role: 'ticket-executor' };
    const runs = ticket.attempts.at(-1) === 'running';
    const commit = this.ground.head;
    const end = (outcome: 'failed' | 'interrupted', counts: boolean, death = false) =>
      this.tell(id, { type: 'end-attempt', attempt, outcome, reason: how, counts, death });
    const submit = () => {
      const result = { ticket: id, commit, summary: 'done', commands: [], files: [] };
      return [
        this.tell(id, { type: 'submit-result', attempt, result }, run),
        this.tell(id, { type: 'accept-candidate', attempt, commit, commits: 1 }),
      ];
    };
    const gate = (outcome: 'pass' | 'fail') =>
      this.tell(id, {
        type: 'report-gate',
        report: { attempt, onto: commit, candidate: commit, tree: commit, outcome, conditions: [cleared] },
      });
    if (how === 'merged') {
      // Not even the core merges what has no verdict and no passing gate.
      expect(this.tell(id, { type: 'merge', attempt, candidate: commit, commit, branch: 'main' }).ok).toBe(
        false,
      );
      if (!runs) return;
      const failedBefore = this.gatesFailed.has(id);
      const told = [
        ...submit(),
        this.tell(
          id,
          {
            type: 'submit-verdict',
            attempt,
            run: 'R-judge' as RunId,
            verdict: { ticket: id, commit, verdict: 'pass', reasons: [] },
          },
          { kind: 'run', run: 'R-judge' as RunId, role: 'verifier' },
        ),
        gate('pass'),
      ];
      expect(told.map((one) => one.ok)).toEqual([true, true, true, true]);
      this.model.submit(ticket);
      const begun = this.tell(id, { type: 'begin-merge', attempt, candidate: commit, commit, onto: commit });
      const merged = this.tell(id, { type: 'merge', attempt, candidate: commit, commit, branch: 'main' });
      // A fail sticks to its commit: a later pass on the same commit does not count.
      expect([begun.ok, merged.ok]).toEqual([!failedBefore, !failedBefore]);
      if (merged.ok) this.model.merge(ticket);
      else {
        expect(end('failed', true).ok).toBe(true);
        this.model.end(ticket, { counts: true, death: false });
      }
      return;
    }
    if (how === 'gate-fails' && runs) {
      expect(submit().every((one) => one.ok)).toBe(true);
      expect(gate('fail').ok).toBe(true);
      this.gatesFailed.add(id);
      this.model.submit(ticket);
    }
    const counts = how === 'failed' || how === 'gate-fails';
    const ended = end(counts ? 'failed' : 'interrupted', counts, how === 'death');
    expect(ended.ok).toBe(runs);
    if (ended.ok) this.model.end(ticket, { counts, death: how === 'death' });
  }

  private readonly gatesFailed = new Set<TicketId>();

  async events(): Promise<RecordedEvent[]> {
    return held(
      await this.ground.client.events({ brand: this.ground.brand, limit: 5_000 }),
    ) as RecordedEvent[];
  }

  /** What the door tells is what the model says. */
  async compare(): Promise<void> {
    if (this.ground.open && this.model.unsettled()) {
      await this.ground.open.dispatcher.drained();
      this.model.settle();
    }
    const { brand, client } = this.ground;
    const listed = held(await client.ticket.list({ brand }));
    expect(listed.map(seenInList)).toEqual([...this.model.tickets.values()].map(expectedInList));
    for (const { hash } of listed) expect(hash).toMatch(/^[0-9a-f]{64}$/);
    for (const ticket of listed) {
      const key = JSON.stringify(this.model.tickets.get(ticket.id)?.text);
      expect(this.hashes.get(key) ?? ticket.hash, 'one text, one hash').toBe(ticket.hash);
      this.hashes.set(key, ticket.hash);
    }
    expect(new Set(this.hashes.values()).size, 'two texts, two hashes').toBe(this.hashes.size);
    const available = held(await client.ticket.list({ brand, available: true }));
    expect(available.map((ticket) => ticket.id)).toEqual(this.model.available());
  }

  async compareDetails(): Promise<void> {
    for (const ticket of this.model.tickets.values()) {
      const shown = held(await this.ground.client.ticket.show({ id: ticket.id }));
      expect(seenInDetail(shown)).toEqual({
        id: ticket.id,
        predecessor: ticket.predecessor,
        successor: ticket.successor,
        comments: ticket.comments,
        attempts: ticket.attempts.map((state) => state),
        results: Array.from({ length: ticket.results }, (_, index) => index + 1),
        blocks: [...this.model.tickets.values()]
          .filter((other) => other.text.dependsOn.includes(ticket.id))
          .map((other) => other.id)
          .sort(),
      });
    }
  }
}

const seenInList = (ticket: TicketSummary) => ({
  id: ticket.id,
  title: ticket.title,
  state: ticket.state,
  dependsOn: ticket.dependsOn,
  parent: ticket.parent,
  blocked: ticket.blockedReason?.split(':')[0] ?? null,
  attempts: ticket.attempts,
  busy: ticket.assignee !== null,
});

const expectedInList = (ticket: ModelTicket) => ({
  id: ticket.id,
  title: ticket.text.title,
  state: ticket.state,
  dependsOn: ticket.text.dependsOn,
  parent: ticket.text.parent,
  blocked: ticket.blocked,
  attempts: ticket.attempts.length,
  busy: ticket.attempts.at(-1) === 'running',
});

const seenInDetail = (ticket: TicketDetail) => ({
  id: ticket.id,
  predecessor: ticket.predecessor,
  successor: ticket.successor,
  comments: ticket.comments.length,
  attempts: ticket.attemptList.map((attempt) => attempt.state),
  results: ticket.artifacts
    .filter((artifact) => artifact.name === 'result')
    .map((artifact) => artifact.version),
  blocks: [...ticket.blocks].sort(),
});

const FORWARD: Record<TicketState, TicketState[]> = {
  draft: ['ready', 'blocked'],
  ready: ['in_progress', 'blocked'],
  in_progress: ['verifying', 'blocked'],
  verifying: ['merged', 'blocked'],
  merged: [],
  blocked: [],
};
const ENTERS: Record<string, TicketState> = {
  'ticket.drafted': 'draft',
  'ticket.approved': 'ready',
  'ticket.started': 'in_progress',
  'ticket.submitted': 'verifying',
  'ticket.merged': 'merged',
  'ticket.blocked': 'blocked',
};

/** The raw log alone gives the states back, each by an edge that goes forward. */
function statesOf(events: readonly RecordedEvent[]): Map<string, TicketState> {
  const states = new Map<string, TicketState>();
  for (const event of events) {
    const to = ENTERS[event.type];
    const from = states.get(event.stream);
    if (!to || from === to) continue;
    if (from === undefined) expect(to, event.stream).toBe('draft');
    else expect(FORWARD[from], `${event.stream} ${from} → ${to}`).toContain(to);
    if (to === 'ready') expect(event.actor.kind, 'who approves').toBe('operator');
    states.set(event.stream, to);
  }
  return states;
}

/**
 * What an import gives back: what has ended as it ended, anything else as a draft, because an approval is worth something
 * only in the log that recorded it. An import is the first version of its stream.
 */
const afterImport = (tickets: readonly TicketSummary[]) =>
  tickets.map(({ version: _version, ...ticket }) =>
    ticket.state === 'merged' || ticket.state === 'blocked'
      ? ticket
      : { ...ticket, state: 'draft', attempts: 0, assignee: null, reason: 'waits for approval' },
  );

async function expectRoundTrip(from: Ground, to: Composed): Promise<void> {
  const { brand } = from;
  const before = held(await from.client.ticket.list({ brand }));
  const [exported] = held(await from.client.export({ brand }));
  const text = readFileSync(exported?.file ?? '', 'utf8');
  const lines = text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines.map(({ id, status, dependencies, parent }) => ({ id, status, dependencies, parent }))).toEqual(
    before.map(({ id, state, dependsOn, parent }) => ({
      id,
      status: state,
      dependencies: dependsOn,
      parent,
    })),
  );
  const { client } = await to.ground(brand);
  const file = path.join(to.place.around, `${brand}.jsonl`);
  writeFileSync(file, text);
  expect(held(await client.import({ brand, file })).tickets).toBe(before.length);
  expect(afterImport(held(await client.ticket.list({ brand })))).toEqual(afterImport(before));
  const again = held(await client.export({ brand }))[0]?.file ?? '';
  const ended = (jsonl: string) =>
    jsonl
      .split('\n')
      .filter((line) => /"status":"(merged|blocked)"/.test(line))
      .map((line) => ({ ...(JSON.parse(line) as object), version: 0 }));
  expect(ended(readFileSync(again, 'utf8'))).toEqual(ended(text));
}

describe('the life of tickets, against a model of it', () => {
  let source: Composed;
  let target: Composed;
  let lives = 0;

  beforeAll(async () => {
    source = await compose();
    target = await compose();
  });

  afterAll(async () => {
    await target.close();
    await source.close();
  });

  test('[A1] [A2] [A8] [A9] [A14] [H1] [H8] [H9] any sequence of commands and outcomes goes as the model says', async () => {
    await fc.assert(
      fc.asyncProperty(life, async (steps) => {
        const ground = await source.ground(`shop${(lives += 1)}` as BrandId);
        const play = new Play(ground);
        for (const step of steps) {
          await play.step(step);
          await play.compare();
        }
        await play.compareDetails();
        const states = statesOf(await play.events());
        for (const ticket of play.model.tickets.values())
          expect(states.get(`ticket/${ticket.id}`)).toBe(ticket.state);
        await ground.open?.knowledge.drain();
        const store = ground.open?.brand.store;
        expect(store?.verifyChain()).toMatchObject({ ok: true });
        expect(store?.compareProjections().filter((one) => !one.ok)).toEqual([]);
        await expectRoundTrip(ground, target);
      }),
      { numRuns: 20, interruptAfterTimeLimit: 60_000 },
    );
  }, 240_000);

  test('[A10] one command approves one ticket, and there is no other that approves', async () => {
    const { brand, client } = await source.ground('other' as BrandId);
    // A plan and what a commit touches are decided one at a time as well, and neither approves a ticket.
    expect(procedures(operatorApi).filter((name) => /approv|bulk|batch|all|force/i.test(name))).toEqual([
      'ticket.approve',
      'plan.approve',
      'checkpoint.approve',
    ]);
    const text: ModelText = { title: 'One', dependsOn: [], parent: null, runtime: null };
    const drafts: TicketDetail[] = [];
    for (const title of ['One', 'Two'])
      drafts.push(held(await client.ticket.draft({ brand, draft: draftOf({ ...text, title }) })));
    const [one, two] = drafts as [TicketDetail, TicketDetail];
    const ask = client.ticket.approve as (input: unknown) => Promise<unknown>;
    for (const input of [
      { id: [one.id, two.id], hash: one.hash },
      { ids: [one.id, two.id], hash: one.hash },
      [
        { id: one.id, hash: one.hash },
        { id: two.id, hash: two.hash },
      ],
      { id: `${one.id},${two.id}`, hash: one.hash },
      { id: '*', hash: one.hash },
      { id: one.id },
    ])
      await expect(ask(input), JSON.stringify(input)).rejects.toThrow();
    expect(await client.ticket.approve({ id: one.id, hash: two.hash })).toMatchObject({
      failure: { code: 'hash-mismatch' },
    });
    expect(held(await client.ticket.list({ brand, state: 'ready' }))).toEqual([]);
    held(await client.ticket.approve({ id: one.id, hash: one.hash }));
    expect(held(await client.ticket.list({ brand, state: 'ready' })).map((ticket) => ticket.id)).toEqual([
      one.id,
    ]);
  });
});

describe('the same life over the operator’s socket, with a core of its own', () => {
  test('[A1] [H8] what the operator commands goes as the model says, and survives the death of the core', async () => {
    const brand = 'shop' as BrandId;
    await fc.assert(
      fc.asyncProperty(operatorsLife, async (steps) => {
        const place = makePlace({ dispatch: 'on-start' });
        try {
          const repository = place.repository('shop', { 'a.txt': 'a\n' });
          let process = await place.start();
          await addBrand(process.client, brand, repository.path);
          const ground: Ground = { brand, client: process.client, head: repository.git('rev-parse', 'HEAD') };
          const play = new Play(ground);
          for (const [index, step] of steps.entries()) {
            if (index === Math.floor(steps.length / 2)) {
              await process.kill();
              process = await place.start();
              ground.client = process.client;
            }
            await play.step(step);
            await play.compare();
          }
          await play.compareDetails();
          statesOf(await play.events());
          await process.stop();
        } finally {
          place.remove();
        }
      }),
      { numRuns: 3, interruptAfterTimeLimit: 60_000 },
    );
  }, 120_000);
});

/** Every procedure of the operator's contract, by its path. */
function procedures(router: object, at = ''): string[] {
  return Object.entries(router).flatMap(([name, value]: [string, object]) =>
    '~orpc' in value ? [`${at}${name}`] : procedures(value, `${at}${name}.`),
  );
}
