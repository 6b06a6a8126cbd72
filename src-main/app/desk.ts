import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { Actor } from '../contract/events.ts';
import { fail, ok, type Result } from '../contract/errors.ts';
import type { CommitId } from '../contract/ids.ts';
import type { DeskView, DeskProposal } from '../contract/terminals.ts';
import { TicketDraft } from '../contract/tickets.ts';
import { plural } from '../domain/plural.ts';
import type { Ticket } from '../domain/ticket.ts';
import type { Brand, BrandRepository } from './brand.ts';
import { deskFolder } from './places.ts';
import type { Room } from './rooms.ts';

/** The branch that a desk is on. */
const BRANCH = 'desk';
/** A ticket names its paths where there are no more of them; else it is for the whole repository. */
const MOST_PATHS = 200;

/** A desk that is there: its room, and what could not be had in it. */
export interface ReadyDesk {
  repository: BrandRepository;
  room: Room;
  notes: string[];
}

/**
 * A brand's desks, one a repository: lasting checkouts inside the brand's walls, for a person and the agents beside them. What
 * is made there reaches the branch as a ticket, through the gate, like everything else.
 */
export interface Desk {
  /** Makes the desk where it is missing. */
  ready(repository: string | undefined): Promise<Result<ReadyDesk>>;
  /**
   * Brings a desk to its branch where nothing there is lost by it and nobody works in it, and says how far behind it is where not;
   * null where it is where the branch is.
   */
  bringUp(desk: ReadyDesk, inUse: boolean): Promise<{ room: Room; note: string } | null>;
  show(): Promise<DeskView[]>;
  /** A draft whose candidate is what the desk holds; what is not committed there is committed first. */
  propose(proposal: Omit<DeskProposal, 'brand'>, actor: Actor, commandId?: string): Promise<Result<Ticket>>;
}

export function createDesk(brand: Brand): Desk {
  const making = new Map<string, Promise<Result<ReadyDesk>>>();

  const repositoryOf = (name: string | undefined): Result<BrandRepository> => {
    const wanted = name ?? brand.config.repositories[0]?.name;
    return wanted === undefined
      ? fail('not-found', `brand ${brand.id} has no repository`, 'add one to its brand.yaml')
      : brand.repository(wanted);
  };

  const ready: Desk['ready'] = async (name) => {
    const repository = repositoryOf(name);
    if (!repository.ok) return repository;
    const key = repository.value.config.name;
    const before = making.get(key);
    if (before) return before;
    const work = makeOrFind(repository.value).finally(() => making.delete(key));
    making.set(key, work);
    return work;
  };

  const makeOrFind = async (repository: BrandRepository): Promise<Result<ReadyDesk>> => {
    const { git, config } = repository;
    const folder = deskFolder(brand.places, config.name);
    const known = (await git.checkouts()).find((one) => one.folder === folder);
    if (known && existsSync(folder))
      return ok({
        repository,
        room: { folder, baseObjects: known.baseObjects, prepared: [] },
        notes: [],
      });
    const commit = await git.head();
    await git.pinBase(pinOf(config.name), commit);
    const request = { repository: git, folder, commit, branch: BRANCH, ownDependencies: true };
    const made = await brand.rooms.make({ ...request, config });
    if (made.ok) return ok({ repository, room: made.value, notes: [] });
    // What setup cannot make here a person can look into: the desk is there without it.
    const bare = await brand.rooms.make({
      ...request,
      config: { ...config, checks: { ...config.checks, setup: 'none' } },
    });
    if (!bare.ok) return bare;
    return ok({ repository, room: bare.value, notes: [`Without dependencies: ${made.failure.message}`] });
  };

  const bringUp: Desk['bringUp'] = async ({ repository: { git, config }, room }, inUse) => {
    const head = await git.head();
    const record = (await git.checkouts()).find((one) => one.folder === room.folder);
    if (!record) return null;
    const behind = plural((await git.commitsBetween(record.commit, head)).length, 'commit');
    if (record.commit === head && record.forward === undefined) return null;
    if (inUse)
      return {
        room,
        note: `${config.branch} is ${behind} ahead of this desk, which is brought to it by the first terminal that opens here.`,
      };
    await git.pinBase(pinOf(config.name), head);
    const moved = await git.forwardCheckout(room.folder, head);
    if (moved.ok && moved.forwarded)
      return {
        room: { ...room, baseObjects: moved.baseObjects },
        note: `This desk was brought to ${config.branch}: ${behind}. What is ignored here, dependencies too, is as it was.`,
      };
    await git.pinBase(pinOf(config.name), record.commit);
    const why = moved.ok ? 'what is here is not all on it' : moved.message;
    return {
      room,
      note: `${config.branch} is ${behind} ahead of this desk, which stays where it is: ${why}. Propose or commit what is here, or take it away, and open a terminal again.`,
    };
  };

  const show: Desk['show'] = async () => {
    const views: DeskView[] = [];
    for (const repository of await brand.repositories()) {
      if (!repository.ok) continue;
      const { config, git } = repository.value;
      const folder = deskFolder(brand.places, config.name);
      const state = existsSync(folder) ? await git.describeCheckout(folder) : null;
      const known = state?.ok === true ? state : null;
      views.push({
        brand: brand.id,
        repository: config.name,
        folder,
        made: known !== null,
        base: known?.base ?? null,
        head: known?.head ?? null,
        ahead: known?.ahead ?? 0,
        dirty: known?.dirty ?? [],
      });
    }
    return views;
  };

  const propose: Desk['propose'] = async (proposal, actor, commandId) => {
    const repository = repositoryOf(proposal.repository);
    if (!repository.ok) return repository;
    const { git, config } = repository.value;
    const folder = deskFolder(brand.places, config.name);
    const nothing = fail(
      'refused-transition',
      `there is nothing in the desk of ${config.name} that ${config.branch} does not have`,
      'change something there first',
    );
    const record = (await git.checkouts()).find((one) => one.folder === folder);
    if (!record || !existsSync(folder)) return nothing;
    const committed = await git.commitCheckout(folder, proposal.title);
    if (!committed.ok) return unusable(committed.message);
    const attempt = `desk-${randomBytes(6).toString('hex')}`;
    const collected = await git.collect({ folder, base: record.commit, attempt });
    if (!collected.ok && collected.code === 'no-commits') return nothing;
    if (!collected.ok) return unusable(collected.message);
    const commit: CommitId = collected.head;
    const head = await git.head();
    if (await git.isDescendant(head, commit)) return nothing;
    const base = (await git.mergeBase(head, commit)) ?? record.commit;
    const changed = [...new Set((await git.changes(base, commit)).map(({ path }) => path))];
    const draft = TicketDraft.safeParse({
      title: proposal.title,
      description: proposal.description,
      acceptance: proposal.acceptance,
      why: `Proposed from the desk of ${config.name}, commit ${commit}.`,
      paths: changed.length <= MOST_PATHS && changed.every(isPlainPath) ? changed : [],
      repository: config.name,
      mode: 'direct',
      commit,
    });
    if (!draft.success)
      return fail('invalid-input', draft.error.issues[0]?.message ?? 'the proposal is not understood');
    const content = brand.content(draft.data);
    return content.ok ? brand.tickets.draft(content.value, actor, null, commandId) : content;
  };

  return { ready, bringUp, show, propose };
}

function pinOf(repository: string): string {
  return `desk-${Buffer.from(repository).toString('hex').slice(0, 100)}`;
}

/** Whether a path stands for itself as a glob. */
function isPlainPath(path: string): boolean {
  return /^[A-Za-z0-9._][A-Za-z0-9 ._/-]{0,290}$/.test(path);
}

function unusable(message: string) {
  return fail('repository-unusable', message, 'look at it in a terminal of the desk');
}
