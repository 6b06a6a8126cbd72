import { mkdir } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { AfterMerge } from '../../contract/config.ts';
import { watchBranch } from './branch-watch.ts';
import { broughtText, changes, diffText, listFiles, lockfileHash, readFile } from './changes.ts';
import { forwardCheckout } from './forward-checkout.ts';
import { collect, commitCheckout, createCheckout, describeCheckout, removeCheckout } from './checkout.ts';
import { failure, RepositoryFault } from './fault.ts';
import type { RepositoryFailure } from './fault.ts';
import { git, gitLine, lineOf, requireObjectId } from './git.ts';
import type { GitProgram } from './git.ts';
import { guessChecks } from './guess-checks.ts';
import type { GuessedChecks } from './guess-checks.ts';
import { locateRepository } from './inspect.ts';
import type { InspectionFailureCode } from './inspect.ts';
import { land, landingWaits, recoverLanding } from './land.ts';
import { commitMerge, mergeTree } from './merge.ts';
import { listPins, pinBase, prepareObjects, sweepObjects, unpinBase } from './objects.ts';
import type { SandboxedCommand } from './ports.ts';
import { listRecords } from './records.ts';
import type { CheckoutRecord } from './records.ts';
import { afterMerge, fetchRemote } from './remotes.ts';
import { branchHead, isDescendant, mergeBase, onScratch, prepareScratch } from './room.ts';
import type { Owner, Room } from './room.ts';
import { connected, soundness } from './soundness.ts';

export interface OpenRepositoryInput {
  /** The top of the operator's working tree. */
  path: string;
  /** The branch that tickets are merged into; the one checked out where none is given. */
  branch?: string;
  git: GitProgram;
  /** Where Atrium keeps what is its own about this repository; made where missing. No agent may reach it. */
  stateDir: string;
  sandboxed: SandboxedCommand;
  sealed: boolean;
  /** The user that runs are, where it is not the core's. */
  owner: Owner | null;
  clock: () => Date;
}

type Bound<F> = F extends (room: Room, ...rest: infer R) => infer T ? (...rest: R) => T : never;

/** One repository of a brand: everything that Atrium does with git on it. Faults are {@link RepositoryFault}s. */
export interface Repository {
  readonly path: string;
  readonly branch: string;
  /** The scratch bare repository, where attempts (`refs/atrium/attempts/`) and saved work (`refs/atrium/trash/`) are. */
  readonly scratch: string;
  /** The commit that the branch is at; throws where the branch is gone. */
  head(): Promise<string>;
  guessChecks(): Promise<GuessedChecks>;
  fetchRemote: Bound<typeof fetchRemote>;
  pinBase: Bound<typeof pinBase>;
  unpinBase: Bound<typeof unpinBase>;
  pins: Bound<typeof listPins>;
  prepareObjects: Bound<typeof prepareObjects>;
  sweepObjects: Bound<typeof sweepObjects>;
  createCheckout: Bound<typeof createCheckout>;
  describeCheckout: Bound<typeof describeCheckout>;
  commitCheckout: Bound<typeof commitCheckout>;
  forwardCheckout: Bound<typeof forwardCheckout>;
  removeCheckout: Bound<typeof removeCheckout>;
  /** The checkouts that were made here and not removed. */
  checkouts(): Promise<CheckoutRecord[]>;
  collect: Bound<typeof collect>;
  /** What was saved before it was removed, newest first. */
  trash(): Promise<Array<{ ref: string; commit: string; at: Date }>>;
  changes: Bound<typeof changes>;
  diffText: Bound<typeof diffText>;
  broughtText: Bound<typeof broughtText>;
  listFiles: Bound<typeof listFiles>;
  readFile: Bound<typeof readFile>;
  lockfileHash: Bound<typeof lockfileHash>;
  /** Whether `descendant` is `ancestor` or has it in its history; false where they differ and either is not there. */
  isDescendant: Bound<typeof isDescendant>;
  mergeBase: Bound<typeof mergeBase>;
  /** The commits from `from` (not included) to `to`, oldest first. */
  commitsBetween(from: string, to: string): Promise<string[]>;
  mergeTree: Bound<typeof mergeTree>;
  commitMerge: Bound<typeof commitMerge>;
  land: Bound<typeof land>;
  landingWaits: Bound<typeof landingWaits>;
  recoverLanding: Bound<typeof recoverLanding>;
  afterMerge(
    rule: AfterMerge,
    input: { commit: string; branch: string; timeoutMs?: number },
  ): ReturnType<typeof afterMerge>;
  soundness: Bound<typeof soundness>;
  /** Whether everything that came between two commits of the branch is there. */
  connected: Bound<typeof connected>;
  /** Calls back when the branch may have moved; what it returns ends that. */
  watchBranch: Bound<typeof watchBranch>;
}

/** Opens a repository and its scratch repository. What {@link locateRepository} refuses is given back, but for a detached head. */
export async function openRepository(
  input: OpenRepositoryInput,
): Promise<
  { ok: true; repository: Repository } | RepositoryFailure<InspectionFailureCode | 'branch-missing'>
> {
  if (!isAbsolute(input.stateDir))
    throw new RepositoryFault('bad-argument', `${input.stateDir} is not an absolute path.`);
  const found = await locateRepository({ path: input.path, git: input.git });
  // Another branch, or none, may be checked out in the operator's folder later on: that hinders no ticket.
  const tolerated =
    !found.ok && (found.code === 'detached' || found.code === 'unborn') && input.branch !== undefined;
  if (!found.ok && !tolerated) return found;
  const here = { cwd: input.path };
  const commonDir = found.ok
    ? found.commonDir
    : await gitLine(input.git, ['rev-parse', '--path-format=absolute', '--git-common-dir'], here);
  const room: Room = {
    ...{
      git: input.git,
      sandboxed: input.sandboxed,
      sealed: input.sealed,
      owner: input.owner,
      clock: input.clock,
    },
    branch: input.branch ?? (found.ok ? found.branch : ''),
    path: found.ok ? found.path : input.path,
    commonDir,
    hostObjects: join(commonDir, 'objects'),
    objectFormat: found.ok
      ? found.objectFormat
      : await gitLine(input.git, ['rev-parse', '--show-object-format'], here),
    stateDir: input.stateDir,
    scratch: join(input.stateDir, 'scratch.git'),
  };
  if ((await branchHead(room)) === null) {
    return failure(
      'branch-missing',
      `The repository at ${room.path} has no branch ${room.branch}.`,
      'Change the branch in brand.yaml.',
    );
  }
  await mkdir(room.stateDir, { recursive: true });
  await prepareScratch(room);
  return { ok: true, repository: bind(room) };
}

function bind(room: Room): Repository {
  // One landing at a time: each reads what the one before it left.
  let landing: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const next = landing.then(work, work);
    landing = next.catch(() => undefined);
    return next;
  };
  return {
    path: room.path,
    branch: room.branch,
    scratch: room.scratch,
    head: async () => {
      const head = await branchHead(room);
      if (head === null)
        throw new RepositoryFault('git-failed', `Branch ${room.branch} of ${room.path} is gone.`);
      return head;
    },
    guessChecks: async () => {
      const head = await branchHead(room);
      return await guessChecks({
        path: room.path,
        git: room.git,
        ...(head === null ? {} : { commit: head }),
      });
    },
    fetchRemote: async (options) => {
      const state = await fetchRemote(room, options);
      await prepareScratch(room);
      return state;
    },
    pinBase: (...rest) => pinBase(room, ...rest),
    unpinBase: (...rest) => unpinBase(room, ...rest),
    pins: () => listPins(room),
    prepareObjects: (...rest) => prepareObjects(room, ...rest),
    sweepObjects: () => sweepObjects(room),
    createCheckout: (...rest) => createCheckout(room, ...rest),
    describeCheckout: (...rest) => describeCheckout(room, ...rest),
    commitCheckout: (...rest) => commitCheckout(room, ...rest),
    forwardCheckout: (...rest) => forwardCheckout(room, ...rest),
    removeCheckout: (...rest) => removeCheckout(room, ...rest),
    checkouts: () => listRecords(room),
    collect: (...rest) => collect(room, ...rest),
    trash: () => listTrash(room),
    changes: (...rest) => changes(room, ...rest),
    diffText: (...rest) => diffText(room, ...rest),
    broughtText: (...rest) => broughtText(room, ...rest),
    listFiles: (...rest) => listFiles(room, ...rest),
    readFile: (...rest) => readFile(room, ...rest),
    lockfileHash: (...rest) => lockfileHash(room, ...rest),
    isDescendant: (...rest) => isDescendant(room, ...rest),
    mergeBase: (...rest) => mergeBase(room, ...rest),
    commitsBetween: async (from, to) => {
      const args = [
        'rev-list',
        '--reverse',
        '--topo-order',
        requireObjectId(to),
        `^${requireObjectId(from)}`,
      ];
      const text = lineOf((await git(room.git, args, onScratch(room))).stdout);
      return text === '' ? [] : text.split('\n');
    },
    mergeTree: (...rest) => mergeTree(room, ...rest),
    commitMerge: (...rest) => commitMerge(room, ...rest),
    land: (landed) => inTurn(() => land(room, landed)),
    landingWaits: (move) => inTurn(() => landingWaits(room, move)),
    recoverLanding: () => inTurn(() => recoverLanding(room)),
    afterMerge: (rule, given) => afterMerge(room, rule, given),
    soundness: (...rest) => soundness(room, ...rest),
    connected: (...rest) => connected(room, ...rest),
    watchBranch: (moved) => watchBranch(room, moved),
  };
}

async function listTrash(room: Room): Promise<Array<{ ref: string; commit: string; at: Date }>> {
  const args = [
    'for-each-ref',
    '--sort=-committerdate',
    '--format=%(objectname) %(committerdate:unix) %(refname)',
    'refs/atrium/trash/',
  ];
  const text = lineOf((await git(room.git, args, onScratch(room))).stdout);
  return text.split('\n').flatMap((line) => {
    const [commit, at, ref] = line.split(' ');
    return commit && at && ref ? [{ ref, commit, at: new Date(Number(at) * 1000) }] : [];
  });
}
