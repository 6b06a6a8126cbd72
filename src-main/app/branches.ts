import type { Actor, RecordedEvent } from '../contract/events.ts';
import { fail, ok, type Result } from '../contract/errors.ts';
import type { CommitId, TicketId } from '../contract/ids.ts';
import type { Brand, BrandRepository } from './brand.ts';
import { asRecorded } from './projections.ts';

/**
 * Knows where each branch of a brand was left. A fast-forward by other hands is taken note of and built on; any other move is
 * recorded when it is seen, and nothing is built on it until the operator accepts it.
 */
export interface BranchKeeper {
  /** Looks at a branch. Null where it may be built on, else one sentence that says what to do. */
  look(repository: BrandRepository): Promise<string | null>;
  /** The operator's word that a commit may be built on. Refused where the branch is at another one. */
  accept(name: string, commit: CommitId, actor: Actor): Promise<Result<{ name: string; commit: CommitId }>>;
  /** Resolves when no branch is looked at any more. */
  close(): Promise<void>;
}

/** Where a branch was left, and the move away from it that was told last. */
interface Known {
  commit: CommitId;
  strange: CommitId | null;
}

const core: Actor = { kind: 'core', part: 'branches' };

/** @param onAccepted told when what waited for the operator's word may go on */
export function createBranchKeeper(parts: {
  brand: Brand;
  onAccepted(): void;
  onFault(error: unknown): void;
}): BranchKeeper {
  const { brand } = parts;
  const known = knownFromLog(brand);
  const take = (name: string, event: RecordedEvent) => {
    const next = evolve(known.get(name), event);
    if (next) known.set(name, next);
  };
  let closed = false;
  const turns = new Map<string, Promise<unknown>>();
  const stop = brand.store.subscribe((stored) => {
    const event = asRecorded(stored);
    const name = repositoryOf(brand, event);
    if (name !== null) take(name, event);
  });

  /** One look at a branch at a time: a move is told once. */
  const inTurn = <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const next = (turns.get(name) ?? Promise.resolve()).then(work, work);
    turns.set(
      name,
      next.catch(() => undefined),
    );
    return next;
  };

  const look: BranchKeeper['look'] = (repository) =>
    inTurn(repository.config.name, async () => {
      if (closed) return null;
      const { name, branch } = repository.config;
      const head = await repository.git.head();
      const left = known.get(name);
      if (!left || head === left.commit || isOnItsWay(brand, name, head)) return null;
      const forward = await repository.git.isDescendant(head, left.commit);
      if (forward || left.strange !== head) {
        const data = { name, from: left.commit, to: head, forward };
        brand.record(stream(name), [{ type: 'branch.moved', data }], core);
      }
      return forward
        ? null
        : `${branch} of ${name} was moved from ${left.commit.slice(0, 10)} to ${head.slice(0, 10)}, which does not hold it: nothing is built on it until you move it back, or say "atrium brand accept ${brand.id} ${name} --commit ${head}"`;
    });

  const watches: (() => void)[] = [];
  for (const { name } of brand.config.repositories) {
    const found = brand.repository(name);
    if (!found.ok) continue;
    const seen = () => void look(found.value).catch(parts.onFault);
    watches.push(found.value.git.watchBranch(seen));
    seen();
  }

  return {
    look,
    accept: (name, commit, actor) =>
      inTurn(name, async () => {
        const found = brand.repository(name);
        if (!found.ok) return found;
        const head = await found.value.git.head();
        if (head !== commit)
          return fail(
            'hash-mismatch',
            `${found.value.config.branch} of ${name} is at ${head}, not at ${commit}`,
            'look at what it is at now, and accept that',
          );
        if (known.get(name)?.commit !== commit) {
          brand.record(stream(name), [{ type: 'branch.accepted', data: { name, commit } }], actor);
          parts.onAccepted();
        }
        return ok({ name, commit });
      }),
    async close() {
      closed = true;
      for (const end of watches) end();
      await Promise.all(turns.values());
      stop();
    },
  };
}

const stream = (name: string) => `repository/${name}`;

/** Where the log says that each branch was left. */
function knownFromLog(brand: Brand): Map<string, Known> {
  const known = new Map<string, Known>();
  const merges = brand.store
    .query<{ ticket: TicketId; position: number }>(
      "SELECT ticket, position FROM projection_activity WHERE type = 'ticket.merged' ORDER BY position",
    )
    .flatMap(({ ticket, position }) => {
      const found = brand.tickets.get(ticket);
      return found?.merged ? [{ position, name: found.repository, commit: found.merged.commit }] : [];
    });
  for (const { name } of brand.config.repositories) {
    const last = merges.findLast((merge) => merge.name === name);
    let left: Known | undefined = last && { commit: last.commit, strange: null };
    for (const event of brand.store.readStream(stream(name)).map(asRecorded))
      if (event.position > (last?.position ?? 0)) left = evolve(left, event);
    if (left) known.set(name, left);
  }
  return known;
}

function repositoryOf(brand: Brand, event: RecordedEvent): string | null {
  if (event.stream.startsWith('repository/')) return event.stream.slice('repository/'.length);
  return event.type === 'ticket.merged'
    ? (brand.tickets.get(event.stream.slice('ticket/'.length) as TicketId)?.repository ?? null)
    : null;
}

/** What an event says about where a branch was left; undefined as long as nothing was said. */
function evolve(left: Known | undefined, event: RecordedEvent): Known | undefined {
  switch (event.type) {
    case 'ticket.merged':
    case 'branch.accepted':
      return { commit: event.data.commit, strange: null };
    case 'repository.proved':
      return left ?? { commit: event.data.commit, strange: null };
    case 'branch.moved':
      return event.data.forward
        ? { commit: event.data.to, strange: null }
        : { commit: event.data.from, strange: event.data.to };
    default:
      return left;
  }
}

/** Whether a merge of Atrium's own has moved the branch there and is about to be recorded. */
function isOnItsWay(brand: Brand, name: string, head: CommitId): boolean {
  return brand.tickets
    .inStates(['verifying'])
    .some((ticket) => ticket.repository === name && ticket.landing?.commit === head);
}
