import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { watch } from 'chokidar';
import type { WorkspaceConfig } from '../contract/config.ts';
import type { Actor } from '../contract/events.ts';
import { fail, ok, type Failure, type Result } from '../contract/errors.ts';
import { BrandId, type TicketId } from '../contract/ids.ts';
import type {
  BrandView,
  Lack,
  RepositoryGuess,
  RuntimeView,
  Snapshot,
  StatusView,
} from '../contract/operator-api.ts';
import type { TicketSummary } from '../contract/tickets.ts';
import type { ModelUpstream } from '../services/gateway/index.ts';
import { checkGit, type GitProgram } from '../services/repositories/index.ts';
import { createRuntimes } from '../services/runtimes/index.ts';
import { createSandbox } from '../services/sandbox/index.ts';
import { createAttempts } from './attempts.ts';
import { openBrand, type Brand, type BrandParts } from './brand.ts';
import { brandView, guessRepository, proveRepository, recordAdded, writeNewBrand } from './brands.ts';
import { createCalendar, type Calendar } from './calendar.ts';
import { readWorkspaceConfig } from './configuration.ts';
import { createDispatcher, type Dispatcher, type Slots } from './dispatcher.ts';
import { createDoctor, type Doctor } from './doctor.ts';
import { createExporter, type Exporter } from './exports.ts';
import { createFeed, runView, type Feed } from './feed.ts';
import { createGate } from './gate.ts';
import { keepHistory } from './history.ts';
import { openKnowledge, type Knowledge } from './knowledge.ts';
import { brandPlaces, makeSocketFolder, removeSocketFolder, workspacePlaces, type Places } from './places.ts';
import { interruptAttempts, recover } from './recovery.ts';
import { systemTimer } from './runs.ts';
import { createStart, type Start } from './start.ts';
import { approvalHash, type DraftContent } from './tickets.ts';
import { inspectWorkspace } from './workspace.ts';
import { openWorkspaceLog } from './workspace-log.ts';

/** A brand with everything that works on it. */
export interface OpenBrand {
  brand: Brand;
  dispatcher: Dispatcher;
  knowledge: Knowledge;
  exporter: Exporter;
}

/** An open workspace: what the operator's doors talk to. */
export interface Workspace {
  places: Places;
  calendar: Calendar;
  feed: Feed;
  start: Start;
  doctor: Doctor;
  brand(id: BrandId): OpenBrand | undefined;
  open(): OpenBrand[];
  closed(): { id: BrandId; failure: Failure }[];
  brandViews(): BrandView[];
  status(): StatusView;
  snapshot(): Promise<Snapshot>;
  guess(path: string): Promise<Result<RepositoryGuess>>;
  addBrand(input: NewBrandInput, actor: Actor): Promise<Result<BrandView>>;
  /** Says beside a waiting ticket why it waits. */
  explained<T extends TicketSummary>(brand: Brand, ticket: T): T;
  hashOf(content: DraftContent): string;
  /** Commits the records to git. */
  keepHistory(): Promise<void>;
  stopRunsOf(ticket: TicketId, reason: string): Promise<void>;
  busy(): boolean;
  onIdle(listener: () => void): () => void;
  close(): Promise<void>;
}

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

export interface WorkspaceOptions {
  workspace: string;
  appRoot: string;
  nodePath: string;
  version: string;
  environment: NodeJS.ProcessEnv;
  log(line: { level: 'info' | 'warn' | 'error'; message: string }): void;
}

const GIT_PLACES = ['/usr/bin/git', '/usr/local/bin/git', '/bin/git'];
const HUES = 12;

export async function openWorkspace(options: WorkspaceOptions): Promise<Result<Workspace>> {
  const { workspace, appRoot, environment } = options;
  const usable = inspectWorkspace(workspace);
  if (!usable.ok) return usable;
  const config = readWorkspaceConfig(workspacePlaces(workspace).config);
  if (!config.ok) return fail('workspace-unusable', config.failure.message, config.failure.hint);
  const layout = workspacePlaces(workspace);
  for (const folder of [layout.brands, layout.checkouts, layout.homes, join(layout.wiki, '_global')])
    mkdirSync(folder, { recursive: true });
  const died = existsSync(join(layout.state, 'sockets.path'));
  const places: Places = { ...layout, sockets: makeSocketFolder(layout.state) };
  const calendar = createCalendar(environment.ATRIUM_NOW);
  const onFault = (error: unknown, where = 'the core') =>
    options.log({
      level: 'error',
      message: `${where}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    });
  const sandbox = createSandbox({
    nodePath: options.nodePath,
    forwarderPath: join(appRoot, 'resources', 'run', 'forwarder.mjs'),
    stateDir: join(places.state, 'sandbox'),
  });
  const git: GitProgram = {
    file: GIT_PLACES.find((file) => existsSync(file)) ?? '/usr/bin/git',
    home: environment.HOME ?? null,
    remoteEnvironment:
      environment.SSH_AUTH_SOCK === undefined ? {} : { SSH_AUTH_SOCK: environment.SSH_AUTH_SOCK },
  };
  const runtimes = createRuntimes({
    programs: Object.fromEntries(
      Object.entries(config.value.programs).filter((entry) => entry[1] !== undefined),
    ),
    nodeInside: '/opt/node/bin/node',
    path: environment.PATH ?? '',
    appRoot,
  });
  const log = openWorkspaceLog(places.workspaceLog, () => calendar.iso(), onFault);
  if (!log.ok) {
    removeSocketFolder(places.state);
    return log;
  }
  const feed = createFeed();
  const open = new Map<BrandId, OpenBrand>();
  const closed = new Map<BrandId, Failure>();
  const idleListeners = new Set<() => void>();
  let running = 0;
  let closing = false;

  const settleIdle = () => {
    if (!busy()) for (const listener of idleListeners) listener();
  };
  const slots: Slots = {
    free: () => Math.max(0, config.value.maxRuns - running),
    take: () => {
      running += 1;
    },
    give: () => {
      running -= 1;
      for (const { dispatcher } of open.values()) dispatcher.wake();
      setImmediate(settleIdle);
    },
  };
  const obstacle = async (): Promise<string | null> => {
    const probe = await sandbox.probe();
    return probe.available ? null : `${probe.message} ${probe.hint}`;
  };
  const brandParts: BrandParts = {
    places,
    workspace: config.value,
    appRoot,
    sandbox,
    git,
    models: modelUpstreams(config.value, environment),
    toolchain: `${statSync(options.nodePath).size} ${process.version} ${process.arch}`,
    timer: systemTimer,
    now: () => calendar.iso(),
    onFault,
  };

  const openOne = async (id: BrandId): Promise<Result<OpenBrand>> => {
    const brand = await openBrand(id, brandParts);
    if (!brand.ok) return brand;
    await recover(brand.value, died);
    const knowledge = await openKnowledge({
      brand: brand.value,
      workspace,
      wiki: places.wiki,
      onPage: (of, page) => feed.tell({ kind: 'page', brand: of, page }),
      onFault,
    });
    const exporter = createExporter(brand.value, systemTimer, onFault);
    feed.attach(brand.value);
    const attempts = createAttempts({
      brand: brand.value,
      runtimes,
      attemptMs: config.value.attemptMinutes * 60_000,
      extracts: (ticket) =>
        knowledge
          .search(ticket.draft.title, 3)
          .map((hit) => ({ page: hit.page, text: hit.snippet.replace(/[\u0002\u0003]/g, '') })),
    });
    const gate = createGate({
      brand: brand.value,
      checkMs: config.value.checkMinutes * 60_000,
      doctor: () => doctor.atGate(brand.value),
    });
    const dispatcher = createDispatcher({
      brand: brand.value,
      attempts,
      gate,
      slots,
      obstacle,
      watchFolder,
      opened: config.value.dispatch === 'on-approval',
      onFault: (error, of) => onFault(error, of),
    });
    return ok({ brand: brand.value, dispatcher, knowledge, exporter });
  };

  const doctor = createDoctor({
    places,
    patients: () => [...open.values()],
    sandbox,
    git,
    runtimes,
    now: () => calendar.now(),
  });
  const start = createStart({
    brands: () => [...open.values()],
    log: log.value,
    calendar,
    keepHistory: () => self.keepHistory(),
    onReport: (report, ended) => {
      feed.tellStart(report, ended);
      if (ended) setImmediate(settleIdle);
    },
  });
  const busy = () => running > 0 || start.running();

  for (const name of readdirSync(places.brands).sort()) {
    const id = BrandId.safeParse(name);
    if (!id.success || !existsSync(join(places.brands, name, 'brand.yaml'))) continue;
    const opened = await openOne(id.data).catch((error: unknown) =>
      fail(
        'brand-closed',
        `it could not be opened: ${error instanceof Error ? error.message : String(error)}`,
        "see the core's log",
      ),
    );
    if (opened.ok) open.set(id.data, opened.value);
    else {
      closed.set(id.data, opened.failure);
      options.log({ level: 'error', message: `brand ${name} is closed: ${opened.failure.message}` });
    }
  }
  for (const { dispatcher } of open.values()) dispatcher.wake();

  const brandViews = (): BrandView[] => [
    ...[...open.values()].map(({ brand }) => brandView(brand)),
    ...[...closed].map(([id, failure]) => ({
      id,
      name: id,
      colour: 0,
      sealed: false,
      state: 'closed' as const,
      error: failure.message,
      repositories: [],
    })),
  ];
  const approvals = () =>
    [...open.values()].reduce((sum, { brand }) => sum + brand.tickets.inStates(['draft']).length, 0);

  const self: Workspace = {
    places,
    calendar,
    feed,
    start,
    doctor,
    brand: (id) => open.get(id),
    open: () => [...open.values()],
    closed: () => [...closed].map(([id, failure]) => ({ id, failure })),
    brandViews,
    status: () => ({
      workspace,
      core: null,
      brands: brandViews().map(({ id, state, error }) => ({
        id,
        state,
        ...(error === undefined ? {} : { error }),
      })),
      waiting: { questions: 0, approvals: approvals() },
      running,
    }),
    async snapshot() {
      return {
        workspace: { path: workspace, name: config.value.name, today: calendar.today() },
        config: config.value,
        brands: brandViews(),
        tickets: [...open.values()].flatMap(({ brand }) =>
          brand.tickets.all().map((ticket) => self.explained(brand, brand.tickets.summary(ticket))),
        ),
        runs: [...open.values()].flatMap(({ brand }) => brand.runs.list().map((run) => runView(brand, run))),
        lacks: await lacks(),
        runtimes: await Promise.all(
          runtimes.map(async (runtime): Promise<RuntimeView> => {
            const { present, version, detail } = await runtime.probe();
            return { name: runtime.name, title: runtime.title, present, version, detail };
          }),
        ),
        lastStart: start.last(),
      };
    },
    guess: (path) => guessRepository(path, git),
    addBrand: (input, actor) => addBrand(input, actor),
    explained: (brand, ticket) => {
      const waits = ['ready', 'in_progress', 'verifying'].includes(ticket.state) && ticket.assignee === null;
      const reason = waits ? open.get(brand.id)?.dispatcher.waitingReason(ticket.id) : undefined;
      return reason === undefined ? ticket : { ...ticket, reason };
    },
    hashOf: approvalHash,
    keepHistory: () =>
      keepHistory(
        places,
        git,
        [...open.values()].map(({ brand }) => brand),
      ),
    async stopRunsOf(ticket, reason) {
      for (const { brand } of open.values())
        for (const run of brand.runs.list(ticket))
          if (run.state === 'running') await brand.runs.stop(run.id, reason);
    },
    busy,
    onIdle(listener) {
      idleListeners.add(listener);
      return () => void idleListeners.delete(listener);
    },
    async close() {
      if (closing) return;
      closing = true;
      // What is in hand ends as interrupted: it counts against no ticket, and goes on at the next start.
      for (const { brand } of open.values()) interruptAttempts(brand, false);
      for (const { brand } of open.values()) brand.tickets.freeze();
      const ended = [...open.values()].map(({ dispatcher }) => dispatcher.close());
      for (const { brand } of open.values())
        for (const run of brand.runs.live()) void brand.runs.stop(run, 'the core was stopped');
      await sandbox.close();
      await Promise.all(ended);
      for (const { knowledge, exporter, brand } of open.values()) {
        await knowledge.close();
        exporter.close();
        await brand.close();
      }
      log.value.close();
      removeSocketFolder(places.state);
    },
  };

  const lacks = async (): Promise<Lack[]> => {
    const found: Lack[] = [];
    const probe = await sandbox.probe();
    if (!probe.available) found.push({ what: 'sandbox', message: probe.message, hint: probe.hint });
    else if (probe.limits === 'not-enforced')
      found.push({
        what: 'limits',
        message: probe.limitsDetail,
        hint: 'agents run; their memory is watched',
      });
    const checked = await checkGit(git);
    if (!checked.ok) found.push({ what: 'git', message: checked.message, hint: checked.hint });
    return found;
  };

  const addBrand: Workspace['addBrand'] = async (input, actor) => {
    if (open.has(input.id) || closed.has(input.id))
      return fail('already-exists', `there is a brand ${input.id} already`, 'choose another id');
    const guesses: RepositoryGuess[] = [];
    for (const path of input.repositories) {
      const guessed = await guessRepository(path, git);
      if (!guessed.ok) return guessed;
      const owner = [...open.values()].find(({ brand }) =>
        brand.config.repositories.some((one) => one.path === guessed.value.path),
      );
      if (owner)
        return fail(
          'already-exists',
          `${guessed.value.path} belongs to brand ${owner.brand.id} already`,
          'a repository is in one brand',
        );
      guesses.push(guessed.value);
    }
    const { setup, test, lint, count } = input;
    const given = Object.fromEntries(
      Object.entries({ setup, test, lint, count }).filter((entry) => entry[1] !== undefined),
    );
    if (!input.confirmed) {
      const said = guesses
        .map((guess) => `${guess.path}: ${JSON.stringify({ ...guess.checks, ...given })}`)
        .join('; ');
      return fail(
        'checks-need-confirmation',
        `the checks were guessed and wait for your word: ${said}`,
        'confirm them with --yes, or give --setup, --test, --lint, --count',
      );
    }
    const colour = open.size % HUES;
    const { id, name, sealed } = input;
    const written = writeNewBrand(places, { id, name, sealed, colour, repositories: guesses, given });
    if (!written.ok) return written;
    const opened = await openOne(id);
    if (!opened.ok) {
      rmSync(brandPlaces(places, id).config, { force: true });
      return opened;
    }
    const { brand } = opened.value;
    open.set(id, opened.value);
    log.value.record('brands', [{ type: 'brand.added', data: { brand: id, sealed } }], actor);
    for (const repository of await brand.repositories()) {
      if (!repository.ok) continue;
      recordAdded(brand, repository.value.config, actor);
      const trouble = await obstacle();
      const proof =
        trouble === null
          ? await proveRepository(brand, repository.value, config.value.checkMinutes * 60_000)
          : { baseline: 'none' as const, detail: `its checks have not run: ${trouble}` };
      const commit = await repository.value.git.head();
      brand.record(
        `repository/${repository.value.config.name}`,
        [{ type: 'repository.proved', data: { name: repository.value.config.name, commit, ...proof } }],
        { kind: 'core', part: 'repositories' },
      );
    }
    const view = brandView(brand);
    feed.tell({ kind: 'brand', brand: view });
    return ok(view);
  };

  return ok(self);
}

/** Tells once that something changed in a folder of the operator's, its git folder included. */
function watchFolder(folder: string, changed: () => void): () => void {
  const watcher = watch(folder, {
    ignoreInitial: true,
    ignored: (path) => /\/(node_modules|\.git\/objects|\.git\/logs)(\/|$)/.test(path),
    awaitWriteFinish: { stabilityThreshold: 200, pollInterval: 50 },
  });
  watcher.on('all', changed);
  return () => void watcher.close();
}

const PROVIDERS = [
  {
    provider: 'gemini',
    config: 'gemini',
    baseUrl: 'https://generativelanguage.googleapis.com',
    baseEnv: ['GOOGLE_GEMINI_BASE_URL'],
    keyEnv: ['GEMINI_API_KEY', 'GOOGLE_API_KEY'],
  },
  {
    provider: 'anthropic',
    config: 'anthropic',
    baseUrl: 'https://api.anthropic.com',
    baseEnv: ['ANTHROPIC_BASE_URL'],
    keyEnv: ['ANTHROPIC_API_KEY'],
  },
] as const;

/** Where models are, and how their keys are found; keys are read at each call and stay in this process. */
function modelUpstreams(config: WorkspaceConfig, environment: NodeJS.ProcessEnv): ModelUpstream[] {
  return PROVIDERS.map(({ provider, config: name, baseUrl, baseEnv, keyEnv }) => {
    const own = config.models[name];
    const fromEnvironment = (names: readonly string[]) =>
      names.map((one) => environment[one]).find((value) => value !== undefined && value !== '');
    return {
      provider,
      baseUrl: (own?.baseUrl ?? fromEnvironment(baseEnv) ?? baseUrl).replace(/\/+$/, ''),
      key: () => {
        if (own?.keyFile !== undefined) {
          try {
            return readFileSync(own.keyFile, 'utf8').trim();
          } catch {
            return undefined;
          }
        }
        return fromEnvironment(own?.keyEnv === undefined ? keyEnv : [own.keyEnv]);
      },
    };
  });
}
