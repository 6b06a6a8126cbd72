import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { WorkspaceConfig } from '../contract/config.ts';
import type { Actor } from '../contract/events.ts';
import { fail, ok, type Failure, type Result } from '../contract/errors.ts';
import { BrandId } from '../contract/ids.ts';
import type { BrandView, RepositoryGuess } from '../contract/brands.ts';
import type { Ticket } from '../domain/ticket.ts';
import type { Reactor } from '../services/event-store/index.ts';
import { sharedGitFolder } from '../services/repositories/index.ts';
import type { Runtime } from '../services/runtimes/index.ts';
import type { Terminals } from '../services/terminals/index.ts';
import { createAttempts } from './attempts.ts';
import { createBranchKeeper, type BranchKeeper } from './branches.ts';
import { machineTrust, openBrand, toolsFolder, type Brand, type BrandParts } from './brand.ts';
import { brandView, guessRepository, proveRepository, recordAdded, writeNewBrand } from './brands.ts';
import { readBrandConfig } from './configuration.ts';
import { createDesk, type Desk } from './desk.ts';
import { createDeskTerminals, type DeskTerminals } from './desk-terminals.ts';
import { createDispatcher, type Dispatcher, type Slots } from './dispatcher.ts';
import { createExporter, type Exporter } from './exports.ts';
import type { Feed } from './feed.ts';
import { createFolderWatch } from './folder-watch.ts';
import { createGate } from './gate.ts';
import type { Exits } from './exits/exits.ts';
import { makeRoomForCheckout } from './housekeeping.ts';
import type { Layers } from './layers/layers.ts';
import type { auditPaths } from './path-audit.ts';
import { openKnowledge, type Knowledge } from './knowledge.ts';
import { brandPlaces } from './places.ts';
import { createPlans } from './plans.ts';
import { createPublication } from './publication.ts';
import { recover } from './recovery.ts';

/** A brand with everything that works on it. */
export interface OpenBrand {
  brand: Brand;
  dispatcher: Dispatcher;
  knowledge: Knowledge;
  exporter: Exporter;
  publication: Reactor;
  branches: BranchKeeper;
  desk: Desk;
  terminals: DeskTerminals;
  /** The doors are told nothing more of it. */
  leaveFeed(): void;
}

/** What `brand add` asks for. */
export interface NewBrandInput {
  id: BrandId;
  name: string;
  repositories: string[];
  sealed: boolean;
  setup?: string | undefined;
  test?: string | undefined;
  lint?: string | undefined;
  count?: RepositoryGuess['checks']['count'] | undefined;
  confirmed: boolean;
}

/** Which brands there are, open or closed with their error. One that cannot be opened keeps no other from it. */
export interface BrandRegister {
  get(id: BrandId): OpenBrand | undefined;
  open(): OpenBrand[];
  closed(): { id: BrandId; failure: Failure }[];
  views(): BrandView[];
  openAll(): Promise<void>;
  add(input: NewBrandInput, actor: Actor): Promise<Result<BrandView>>;
}

export interface BrandRegisterParts {
  brandParts: BrandParts;
  config: WorkspaceConfig;
  /** Whether the core that was here before ended without closing. */
  died: boolean;
  runtimes: readonly Runtime[];
  slots: Slots;
  feed: Feed;
  /** Null where agents can run; else one sentence why not. */
  obstacle(): Promise<string | null>;
  layers: Layers;
  audit: typeof auditPaths;
  exits: Exits;
  doctorAtGate(brand: Brand): Promise<{ ok: boolean; detail: string }>;
  terminals: Terminals;
  onTerminalEnded(): void;
  onAdded(id: BrandId, sealed: boolean, actor: Actor): void;
  onFault(error: unknown, where?: string): void;
}

const HUES = 12;

export function createBrandRegister(parts: BrandRegisterParts): BrandRegister {
  const { brandParts, config, feed, onFault } = parts;
  const { places, git } = brandParts;
  const open = new Map<BrandId, OpenBrand>();
  const closed = new Map<BrandId, Failure>();
  const adding = new Set<BrandId>();
  const watchFolder = createFolderWatch(onFault);
  const checkMs = config.checkMinutes * 60_000;
  /** What kept checks from being run when they were last to be. */
  let obstacle: string | null = null;

  const openOne = async (id: BrandId): Promise<Result<OpenBrand>> => {
    const opened = await openBrand(id, brandParts);
    if (!opened.ok) return opened;
    const brand = opened.value;
    try {
      return ok(await compose(brand));
    } catch (error) {
      await brand.close();
      throw error;
    }
  };

  const compose = async (brand: Brand): Promise<OpenBrand> => {
    await recover(brand, parts.died);
    brand.guard.asks.resume();
    const knowledge = await openKnowledge({
      brand,
      workspace: places.workspace,
      wiki: places.wiki,
      foreign: async (to, text) => {
        await parts.exits.refresh();
        return parts.exits.stopped(to, text);
      },
      onPage: (of, page) => feed.tell({ kind: 'page', brand: of, page }),
      onFault,
    });
    const exporter = createExporter(brand, brandParts.timer, onFault);
    const publication = createPublication(brand, onFault);
    publication.start();
    const branches = createBranchKeeper({
      brand,
      onAccepted: () => dispatcher.lookAgain(),
      onFault: (error) => onFault(error, `brand ${brand.id}`),
    });
    const search = (query: string) =>
      knowledge.search(query, 10).map((hit) => ({
        page: hit.page,
        title: hit.title,
        text: hit.snippet.replace(/[\u0002\u0003]/g, ''),
      }));
    const extracts = (ticket: Ticket) => search(ticket.draft.title).slice(0, 3);
    const attempts = createAttempts({
      brand,
      branches,
      makeRoom: () =>
        makeRoomForCheckout(
          [...open.values()].map((one) => one.brand),
          config.maxCheckouts,
          new Date(brandParts.now()),
        ),
      runtimes: parts.runtimes,
      attemptMs: config.attemptMinutes * 60_000,
      timer: brandParts.timer,
      extracts,
      search,
    });
    const plans = createPlans({
      brand,
      runtimes: parts.runtimes,
      attemptMs: config.attemptMinutes * 60_000,
      timer: brandParts.timer,
      extracts,
      search,
    });
    const gate = createGate({
      ...{ brand, branches, checkMs, audit: parts.audit },
      refreshExits: () => parts.exits.refresh(),
      runtimes: parts.runtimes,
      attemptMs: config.attemptMinutes * 60_000,
      doctor: () => parts.doctorAtGate(brand),
    });
    const dispatcher: Dispatcher = createDispatcher({
      brand,
      attempts,
      plans,
      gate,
      slots: parts.slots,
      obstacle: async () => (await parts.obstacle()) ?? (await parts.layers.obstacle(brand)),
      watchFolder,
      opened: config.dispatch === 'on-approval',
      onFault,
    });
    const desk = createDesk(brand);
    const terminals = createDeskTerminals({
      brand,
      desk,
      terminals: parts.terminals,
      runtimes: parts.runtimes,
      sandbox: brandParts.sandbox,
      sockets: places.sockets,
      tools: toolsFolder(brandParts.appRoot),
      models: brandParts.models,
      trust: machineTrust(),
      timer: brandParts.timer,
      now: brandParts.now,
      today: brandParts.today,
      onFault,
      onEnded: () => parts.onTerminalEnded(),
    });
    const leaveFeed = feed.attach(brand);
    return { brand, dispatcher, knowledge, exporter, publication, branches, desk, terminals, leaveFeed };
  };

  const brandIds = (): BrandId[] =>
    readdirSync(places.brands)
      .sort()
      .flatMap((name) => {
        const id = BrandId.safeParse(name);
        return id.success && existsSync(join(places.brands, name, 'brand.yaml')) ? [id.data] : [];
      });

  /** The brand that has a repository already, whichever of its working trees is meant. */
  const ownerOf = async (path: string): Promise<BrandId | undefined> => {
    const wanted = await sharedGitFolder({ path, git });
    if (wanted === null) return undefined;
    for (const id of brandIds()) {
      const read = readBrandConfig(brandPlaces(places, id).config);
      for (const repository of read.ok ? read.value.repositories : []) {
        if ((await sharedGitFolder({ path: repository.path, git })) === wanted) return id;
      }
    }
    return undefined;
  };

  const look = async (input: NewBrandInput): Promise<Result<RepositoryGuess[]>> => {
    const guesses: RepositoryGuess[] = [];
    for (const path of input.repositories) {
      const guessed = await guessRepository(path, git);
      if (!guessed.ok) return guessed;
      const twice = guesses.some((one) => one.path === guessed.value.path);
      const owner = twice ? input.id : await ownerOf(guessed.value.path);
      if (owner !== undefined)
        return fail(
          'already-exists',
          `${guessed.value.path} belongs to brand ${owner} already`,
          'a repository is in one brand, once',
        );
      guesses.push(guessed.value);
    }
    return ok(guesses);
  };

  /** Runs the checks of what was never proved; says so where no sandbox can be had. */
  const prove = async (brand: Brand): Promise<void> => {
    for (const repository of await brand.repositories()) {
      if (!repository.ok) continue;
      const { config: own, git: opened } = repository.value;
      const stream = `repository/${own.name}`;
      if (brand.store.readStream(stream).some((event) => event.type === 'repository.proved')) continue;
      obstacle = await parts.obstacle();
      if (obstacle !== null) {
        onFault(`its checks have not run: ${obstacle}`, `brand ${brand.id}, repository ${own.name}`);
        continue;
      }
      const proof = await proveRepository(brand, repository.value, checkMs);
      const commit = await opened.head();
      brand.record(stream, [{ type: 'repository.proved', data: { name: own.name, commit, ...proof } }], {
        kind: 'core',
        part: 'repositories',
      });
    }
    feed.tell({ kind: 'brand', brand: brandView(brand, obstacle) });
  };

  const add = async (input: NewBrandInput, actor: Actor): Promise<Result<BrandView>> => {
    const { id, name, sealed, setup, test, lint, count } = input;
    const looked = await look(input);
    if (!looked.ok) return looked;
    const given = Object.fromEntries(
      Object.entries({ setup, test, lint, count }).filter((entry) => entry[1] !== undefined),
    );
    if (!input.confirmed) {
      const said = looked.value.map(
        (guess) => `${guess.path}: ${JSON.stringify({ ...guess.checks, ...given })}`,
      );
      return fail(
        'checks-need-confirmation',
        `the checks were guessed and wait for your word: ${said.join('; ')}`,
        'confirm them with --yes, or give --setup, --test, --lint, --count',
      );
    }
    const colour = brandIds().length % HUES;
    const written = writeNewBrand(places, { id, name, sealed, colour, repositories: looked.value, given });
    if (!written.ok) return written;
    let opened: Result<OpenBrand>;
    try {
      opened = await openOne(id);
    } catch (error) {
      rmSync(brandPlaces(places, id).config, { force: true });
      throw error;
    }
    if (!opened.ok) {
      rmSync(brandPlaces(places, id).config, { force: true });
      return opened;
    }
    const { brand } = opened.value;
    open.set(id, opened.value);
    parts.onAdded(id, sealed, actor);
    for (const repository of brand.config.repositories) recordAdded(brand, repository, actor);
    await prove(brand);
    return ok(brandView(brand, obstacle));
  };

  return {
    get: (id) => open.get(id),
    open: () => [...open.values()],
    closed: () => [...closed].map(([id, failure]) => ({ id, failure })),
    views: () => [
      ...[...open.values()].map(({ brand }) => brandView(brand, obstacle)),
      ...[...closed].map(([id, failure]) => ({
        ...{ id, name: id, colour: 0, sealed: false, state: 'closed' as const },
        error: failure.message,
        repositories: [],
      })),
    ],
    async openAll() {
      for (const id of brandIds()) {
        const opened = await openOne(id).catch((error: unknown) => {
          onFault(error, `brand ${id}`);
          const detail = error instanceof Error ? error.message : String(error);
          return fail('brand-closed', `it could not be opened: ${detail}`, "see the core's log");
        });
        if (opened.ok) open.set(id, opened.value);
        else {
          closed.set(id, opened.failure);
          onFault(`it is closed: ${opened.failure.message}`, `brand ${id}`);
        }
      }
      for (const { dispatcher, brand } of open.values()) {
        dispatcher.wake();
        void prove(brand).catch((error: unknown) => onFault(error, `brand ${brand.id}`));
      }
    },
    async add(input, actor) {
      const { id } = input;
      if (open.has(id) || closed.has(id) || adding.has(id))
        return fail('already-exists', `there is a brand ${id} already`, 'choose another id');
      adding.add(id);
      try {
        return await add(input, actor);
      } finally {
        adding.delete(id);
      }
    },
  };
}
