import { existsSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Actor } from '../contract/events.ts';
import { fail, ok, type Failure, type Result } from '../contract/errors.ts';
import type { BrandId, TicketId } from '../contract/ids.ts';
import type { BrandView, RepositoryGuess } from '../contract/brands.ts';
import type { Lack, RuntimeView } from '../contract/machine.ts';
import type { Snapshot, StatusView } from '../contract/feed.ts';
import type { TicketSummary } from '../contract/tickets.ts';
import { urgentFirst } from '../domain/urgency.ts';
import { countWaiting } from '../domain/waiting.ts';
import { loadNativeSpawn } from '../services/processes/index.ts';
import { checkGit, type GitProgram } from '../services/repositories/index.ts';
import { createTerminals, nodePty, type Terminals } from '../services/terminals/index.ts';
import { createRuntimes } from '../services/runtimes/index.ts';
import type { Brand, BrandParts } from './brand.ts';
import { createBrandRegister, type NewBrandInput, type OpenBrand } from './brand-register.ts';
import { guessRepository } from './brands.ts';
import { createCalendar, type Calendar } from './calendar.ts';
import { readWorkspaceConfig } from './configuration.ts';
import type { Slots } from './dispatcher.ts';
import { openDoctor, type Doctor } from './doctor/index.ts';
import { createFeed, runView, type Feed } from './feed.ts';
import { keepHistory } from './history.ts';
import { settleHousekeeping } from './housekeeping-tickets.ts';
import { modelUpstreams } from './model-upstreams.ts';
import type { Exits } from './exits/exits.ts';
import { layerParts, type LayerParts } from './layers/layer-parts.ts';
import { createLayers, type Layers } from './layers/layers.ts';
import { makeSocketFolder, removeSocketFolder, workspacePlaces, type Places } from './places.ts';
import { interruptAttempts } from './recovery.ts';
import { systemTimer } from './timer.ts';
import { createSandboxTrial } from './sandbox-trial.ts';
import { createStart, type Start } from './start.ts';
import { waitingIn } from './waiting.ts';
import { inspectWorkspace } from './workspace.ts';
import { openWorkspaceLog } from './workspace-log.ts';

/** An open workspace: what the operator's doors talk to. */
export interface Workspace {
  places: Places;
  calendar: Calendar;
  feed: Feed;
  start: Start;
  doctor: Doctor;
  layers: Layers;
  exits: Exits;
  brand(id: BrandId): OpenBrand | undefined;
  open(): OpenBrand[];
  closed(): { id: BrandId; failure: Failure }[];
  brandViews(): BrandView[];
  status(): StatusView;
  /** The agent programs of this machine and what each can do, looked at now. */
  runtimes(): Promise<RuntimeView[]>;
  snapshot(): Promise<Snapshot>;
  guess(path: string): Promise<Result<RepositoryGuess>>;
  addBrand(input: NewBrandInput, actor: Actor): Promise<Result<BrandView>>;
  /** Says beside a waiting ticket why it waits. */
  explained<T extends TicketSummary>(brand: Brand, ticket: T): T;
  /** Commits the records to git. */
  keepHistory(): Promise<void>;
  stopRunsOf(ticket: TicketId, reason: string): Promise<void>;
  /** Every live terminal, whichever brand's it is. */
  terminals: Terminals;
  busy(): boolean;
  onIdle(listener: () => void): () => void;
  close(): Promise<void>;
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

/** @param made what the four layers are made of; only tests give another */
export async function openWorkspace(
  options: WorkspaceOptions,
  made: LayerParts = layerParts,
): Promise<Result<Workspace>> {
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
  const native = join(appRoot, 'out', 'native');
  const spawn = loadNativeSpawn(join(native, 'spawn.node')) ?? undefined;
  const sandbox = made.sandbox({
    spawn,
    nodePath: options.nodePath,
    forwarderPath: join(native, 'forwarder'),
    proberPath: join(appRoot, 'resources', 'run', 'prober.mjs'),
    landlockPath: join(native, 'landlock'),
    stateDir: join(places.state, 'sandbox'),
  });
  const git: GitProgram = {
    spawn,
    file: GIT_PLACES.find((file) => existsSync(file)) ?? '/usr/bin/git',
    home: environment.HOME ?? null,
    remoteEnvironment:
      environment.SSH_AUTH_SOCK === undefined ? {} : { SSH_AUTH_SOCK: environment.SSH_AUTH_SOCK },
  };
  const runtimes = createRuntimes({
    programs: Object.fromEntries(
      Object.entries(config.value.programs).filter((entry) => entry[1] !== undefined),
    ),
    acpAgents: config.value.acpAgents,
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
      for (const { dispatcher } of brands.open()) dispatcher.wake();
      setImmediate(settleIdle);
    },
  };
  const trySandbox = createSandboxTrial(sandbox, () => systemTimer.now());
  const obstacle = async (): Promise<string | null> => {
    const probe = await trySandbox();
    return probe.available ? null : `${probe.message} ${probe.hint}`;
  };
  const exits = made.exits(() => brands.open().map(({ brand }) => brand));
  const brandParts: BrandParts = {
    exits,
    places,
    workspace: config.value,
    appRoot,
    sandbox,
    git,
    models: modelUpstreams(config.value, environment),
    toolchain: `${statSync(options.nodePath).size} ${process.version} ${process.arch}`,
    environment,
    timer: systemTimer,
    now: () => calendar.iso(),
    today: () => calendar.today(),
    onFault,
  };

  const tools = join(appRoot, 'resources', 'run');
  const layers = createLayers({
    layers: made.layers({ sandbox, runtimes, git, places, made, exits, timer: systemTimer }),
    ...{ places, sandbox, tools },
    now: () => calendar.iso(),
    clock: () => systemTimer.now(),
  });
  const doctor = openDoctor({
    layers,
    places,
    appRoot,
    log: log.value,
    brands: () => ({ open: brands.open(), closed: brands.closed() }),
    sandbox,
    git,
    runtimes,
    calendar,
    timer: systemTimer,
    onExamined: (report) => {
      feed.tell({ kind: 'doctor', report });
      settleHousekeeping(
        brands.open().map(({ brand }) => brand),
        report,
      );
      for (const { dispatcher } of brands.open()) dispatcher.lookAgain();
    },
    onFault,
  });
  const start = createStart({
    brands: () => brands.open(),
    doctor,
    log: log.value,
    calendar,
    keepHistory: () => self.keepHistory(),
    onReport: (report, ended) => {
      feed.tellStart(report, ended);
      if (ended) setImmediate(settleIdle);
    },
    onFault,
  });
  const terminals = createTerminals({ ptys: nodePty, after: (ms, fn) => systemTimer.after(ms, fn) });
  // A terminal outlives its window: what runs in it is not cut off because nobody looks.
  const busy = () => running > 0 || start.running() || terminals.live().length > 0;

  const brands = createBrandRegister({
    brandParts,
    config: config.value,
    died,
    runtimes,
    slots,
    feed,
    obstacle,
    layers,
    exits,
    audit: made.audit,
    doctorAtGate: (brand) => doctor.atGate(brand),
    terminals,
    onTerminalEnded: () => void setImmediate(settleIdle),
    onAdded: (id, sealed, actor) =>
      log.value.record('brands', [{ type: 'brand.added', data: { brand: id, sealed } }], actor),
    onFault,
  });
  await brands.openAll();
  void exits.ready().catch(onFault);

  const waiting = () => brands.open().flatMap(({ brand }) => waitingIn(brand));

  const self: Workspace = {
    places,
    calendar,
    feed,
    start,
    doctor,
    layers,
    exits,
    brand: (id) => brands.get(id),
    open: () => brands.open(),
    closed: () => brands.closed(),
    brandViews: () => brands.views(),
    status: () => ({
      workspace,
      core: null,
      brands: brands.views().map(({ id, state, error }) => ({
        id,
        state,
        ...(error === undefined ? {} : { error }),
      })),
      waiting: countWaiting(waiting()),
      waits: urgentFirst(waiting()),
      running: brands.open().reduce((sum, { brand }) => sum + brand.runs.live().length, 0),
    }),
    runtimes: () =>
      Promise.all(
        runtimes.map(async ({ name, title, probe }): Promise<RuntimeView> => ({
          name,
          title,
          ...(await probe()),
        })),
      ),
    async snapshot() {
      return {
        workspace: { path: workspace, name: config.value.name, today: calendar.today() },
        config: config.value,
        brands: brands.views(),
        tickets: brands
          .open()
          .flatMap(({ brand }) =>
            brand.tickets.all().map((ticket) => self.explained(brand, brand.tickets.summary(ticket))),
          ),
        runs: brands.open().flatMap(({ brand }) => brand.runs.list().map((run) => runView(brand, run))),
        lacks: await lacks(),
        runtimes: await self.runtimes(),
        waiting: urgentFirst(waiting()),
        lastStart: start.last(),
        doctor: log.value.lastExamination(),
      };
    },
    guess: (path) => guessRepository(path, git),
    addBrand: (input, actor) => brands.add(input, actor),
    explained: (brand, ticket) => {
      const waits = ['ready', 'in_progress', 'verifying'].includes(ticket.state) && ticket.assignee === null;
      const reason = waits ? brands.get(brand.id)?.dispatcher.waitingReason(ticket.id) : undefined;
      return reason === undefined ? ticket : { ...ticket, reason };
    },
    keepHistory: () =>
      keepHistory(
        places,
        git,
        brands.open().map(({ brand }) => brand),
      ),
    async stopRunsOf(ticket, reason) {
      for (const { brand } of brands.open())
        for (const run of brand.runs.list(ticket))
          if (run.state === 'running') await brand.runs.stop(run.id, reason);
    },
    terminals,
    busy,
    onIdle(listener) {
      idleListeners.add(listener);
      return () => void idleListeners.delete(listener);
    },
    async close() {
      if (closing) return;
      closing = true;
      // What is in hand ends as interrupted: it counts against no ticket, and goes on at the next start.
      for (const { brand } of brands.open()) interruptAttempts(brand, false);
      for (const { brand } of brands.open()) brand.tickets.freeze();
      // What waits for the operator stays open: the next core takes it up.
      for (const { brand } of brands.open()) brand.guard.asks.close();
      const ended = brands.open().map(({ dispatcher }) => dispatcher.close());
      for (const { brand } of brands.open())
        for (const run of brand.runs.live()) void brand.runs.stop(run, 'the core was stopped');
      const examined = doctor.close();
      await sandbox.close();
      await Promise.all([...ended, ...brands.open().map((open) => open.terminals.settled())]);
      await examined;
      for (const { knowledge, exporter, publication, branches, brand, leaveFeed } of brands.open()) {
        await branches.close();
        await publication.stop();
        await knowledge.close();
        exporter.close();
        leaveFeed();
        await brand.close();
      }
      log.value.close();
      removeSocketFolder(places.state);
    },
  };

  const lacks = async (): Promise<Lack[]> => {
    const found: Lack[] = [];
    const probe = await trySandbox();
    if (!probe.available) found.push({ what: 'sandbox', message: probe.message, hint: probe.hint });
    else if (probe.limits === 'not-enforced')
      found.push({
        what: 'limits',
        message: probe.limitsDetail,
        hint: 'agents run, and each is watched; where systemd is, a core that is started by "systemd-run --user --scope" may make control groups',
      });
    const checked = await checkGit(git);
    if (!checked.ok) found.push({ what: 'git', message: checked.message, hint: checked.hint });
    return found;
  };

  for (const { title, present, version, detail, capabilities } of await self.runtimes()) {
    const found = present ? [title, version, ...capabilities].join(', ') : detail;
    options.log({ level: 'info', message: `agent program: ${found}` });
  }
  return ok(self);
}
