import { mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CheckView, DoctorReport } from '../contract/operator-api.ts';
import { CHECK_TITLES, grade } from '../domain/doctor.ts';
import { plural } from '../domain/plural.ts';
import { EXECUTOR } from '../domain/ticket.ts';
import { INSIDE, sandboxProfile } from '../domain/sandbox-profile.ts';
import { openEventStore } from '../services/event-store/index.ts';
import { checkGit, type GitProgram } from '../services/repositories/index.ts';
import type { Runtime } from '../services/runtimes/index.ts';
import type { Sandbox } from '../services/sandbox/index.ts';
import type { Brand } from './brand.ts';
import { readBrandConfig, readContracts, readWorkspaceConfig } from './configuration.ts';
import { ExportHead, headFile, readTicketLines, ticketLines, type Exporter } from './exports.ts';
import { decideCall } from './guard.ts';
import { overdueCheckouts } from './housekeeping.ts';
import type { Knowledge } from './knowledge.ts';
import { brandPlaces, type Places } from './places.ts';
import { brandProjections } from './projections.ts';

/** A brand with what the doctor looks at. */
export interface Patient {
  brand: Brand;
  knowledge: Knowledge;
  exporter: Exporter;
}

export interface DoctorParts {
  places: Places;
  patients(): Patient[];
  sandbox: Sandbox;
  git: GitProgram;
  runtimes: readonly Runtime[];
  now(): Date;
}

/** What a check found: the first trouble in one sentence, or what it proved. */
interface Finding {
  ok: boolean;
  detail: string;
  built?: false;
}

export interface Doctor {
  /** All nineteen checks; Atrium repairs what is its own first (exports, indexes). */
  examine(): Promise<DoctorReport>;
  /** What the gate asks of one brand: the cheap checks that can change from one merge to the next. */
  atGate(brand: Brand): Promise<{ ok: boolean; detail: string }>;
}

const DAY_MS = 24 * 3_600_000;
const ROOM_BYTES = 512 * 1024 * 1024;
const notBuilt = (detail: string): Finding => ({ ok: false, detail, built: false });

export function createDoctor(parts: DoctorParts): Doctor {
  const { places } = parts;

  /** The first brand in which something does not hold decides; else how many brands it was proved in. */
  const inEach = async (
    check: (patient: Patient) => Promise<string | null> | string | null,
    proved: string,
  ): Promise<Finding> => {
    const patients = parts.patients();
    for (const patient of patients) {
      const trouble = await check(patient);
      if (trouble !== null) return { ok: false, detail: `${patient.brand.id}: ${trouble}` };
    }
    return { ok: true, detail: `${proved} in ${plural(patients.length, 'brand')}` };
  };

  const configuration = (): Finding => {
    const workspace = readWorkspaceConfig(places.config);
    if (!workspace.ok) return { ok: false, detail: workspace.failure.message };
    for (const { brand } of parts.patients()) {
      const config = readBrandConfig(brandPlaces(places, brand.id).config);
      if (!config.ok) return { ok: false, detail: config.failure.message };
    }
    return { ok: true, detail: 'workspace.yaml and every brand.yaml read' };
  };

  const contracts = (): Finding => {
    const read = readContracts(places.agents);
    if (!read.ok) return { ok: false, detail: read.failure.message };
    const writers = read.value.filter((contract) => contract.writes.some((place) => place !== 'checkout'));
    for (const place of ['wiki/<brand>', 'wiki/_global'] as const) {
      const both = writers.filter((contract) => contract.writes.includes(place));
      if (both.length > 1)
        return { ok: false, detail: `${both.map((one) => one.name).join(' and ')} both write ${place}` };
    }
    return { ok: true, detail: `${plural(read.value.length, 'contract')}, no two write the same pages` };
  };

  const guardLive = (): Promise<Finding> =>
    inEach(({ brand }) => {
      const executor = brand.contract(EXECUTOR);
      if (!executor.ok) return executor.failure.message;
      const geography = {
        brand: brand.id,
        workspace: places.workspace,
        checkouts: [INSIDE.checkout],
        inTicket: () => true,
      };
      const canaries = [
        places.state,
        join(places.wiki, brand.id, 'x.md'),
        brand.places.tickets,
        '/etc/passwd',
      ];
      for (const path of canaries) {
        const call = { tool: 'write_file', paths: [path], command: '' };
        if (decideCall(executor.value, call, INSIDE.checkout, geography).decision !== 'deny')
          return `a write of ${path} was not denied`;
      }
      return null;
    }, 'canary calls denied');

  const sandboxLive = async (): Promise<Finding> => {
    const probe = await parts.sandbox.probe();
    if (!probe.available) return { ok: false, detail: `${probe.message} ${probe.hint}` };
    return inEach(async ({ brand }) => {
      const contract = brand.contract(EXECUTOR);
      if (!contract.ok) return contract.failure.message;
      const folder = mkdtempSync(join(places.sockets, 'doctor-'));
      try {
        const report = await parts.sandbox.prove(
          sandboxProfile(
            { ...contract.value, reads: [], writes: [], calls: [] },
            {
              name: `${brand.id} doctor`,
              checkout: folder,
              baseObjects: folder,
              prepared: [],
              tools: folder,
              home: null,
              socket: null,
              ticket: null,
              base: null,
              limits: brand.config.limits,
              trust: {},
              sealed: brand.config.sealed,
              ports: brand.config.ports,
              identity: brand.identity,
              program: { mounts: [], environment: {} },
            },
          ),
        );
        const breach = report.canaries.find((canary) => (canary.expected === 'denied') !== canary.denied);
        return report.ok ? null : `${breach?.name ?? 'the prober did not end'}: ${breach?.detail ?? ''}`;
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }, 'canaries denied');
  };

  const repositories = async (): Promise<Finding> => {
    const git = await checkGit(parts.git);
    if (!git.ok) return { ok: false, detail: `${git.message} ${git.hint}` };
    return inEach(async ({ brand }) => {
      for (const repository of await brand.repositories()) {
        if (!repository.ok) return repository.failure.message;
        const sound = await repository.value.git.soundness();
        if (!sound.ok) return sound.message;
        const head = await repository.value.git.head();
        const merged = lastMerge(brand, repository.value.config.name);
        if (merged && !(await repository.value.git.isDescendant(head, merged.commit)))
          return `${repository.value.config.branch} of ${repository.value.config.name} no longer holds ${merged.commit.slice(0, 10)}, which Atrium merged`;
      }
      return null;
    }, 'repositories sound');
  };

  const exportsEqual = (): Promise<Finding> =>
    inEach(({ brand, exporter }) => {
      exporter.write();
      const head = ExportHead.parse(JSON.parse(readFileSync(headFile(brand.places.tickets), 'utf8')));
      const equal = readFileSync(brand.places.tickets, 'utf8') === ticketLines(brand.tickets.all());
      return equal && head.position === brand.store.head().position
        ? null
        : 'tickets.jsonl differs from the log';
    }, 'tickets.jsonl equals the log');

  const restores = async (): Promise<Finding> => {
    const disk = statfsSync(places.workspace);
    if (disk.bavail * disk.bsize < ROOM_BYTES)
      return {
        ok: false,
        detail: `the disk has ${Math.floor((disk.bavail * disk.bsize) / 1024 / 1024)} MB left`,
      };
    return inEach(({ brand }) => {
      const lines = readTicketLines(brand.places.tickets);
      if (!lines.ok) return lines.failure.message;
      const folder = mkdtempSync(join(tmpdir(), 'atrium-restore-'));
      try {
        const opened = openEventStore({
          file: join(folder, 'brand.db'),
          projections: brandProjections,
          onFault: () => undefined,
        });
        if (!opened.ok) return opened.message;
        for (const ticket of lines.value)
          opened.store.append({
            stream: `ticket/${ticket.id}`,
            expectedVersion: 0,
            events: [{ type: 'ticket.imported', data: { ticket: ticket.id, record: ticket } }],
            commandId: `restore:${ticket.id}`,
            actor: { kind: 'core', part: 'doctor' },
            at: ticket.updatedAt,
          });
        const [row] = opened.store.query<{ n: number }>('SELECT COUNT(*) AS n FROM projection_tickets');
        opened.store.close();
        return row?.n === lines.value.length ? null : 'the export did not restore whole';
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }, 'the export restores');
  };

  const deadLetters = (): Promise<Finding> =>
    inEach(({ brand }) => {
      const old = brand.tickets
        .inStates(['blocked'])
        .find(
          (ticket) =>
            ticket.blocked?.reason === 'dead-letter' &&
            ticket.successor === null &&
            parts.now().getTime() - Date.parse(ticket.endedAt ?? ticket.updatedAt) > DAY_MS,
        );
      return old ? `${old.id} is a dead letter that nobody has looked at for a day` : null;
    }, 'no old dead letter');

  const orphans = (): Promise<Finding> =>
    inEach(({ brand }) => {
      const alive = new Set<string>(brand.runs.live());
      const lost = brand.store
        .query<{ id: string; record: string }>(
          "SELECT id, record FROM projection_runs WHERE state = 'running'",
        )
        .find((row) => !alive.has(row.id) && !row.record.includes('"role":"verifier"'));
      if (lost) return `run ${lost.id} is recorded as running and is not alive`;
      const home = readdirSync(brand.places.homes).find((name) => name.startsWith('R-') && !alive.has(name));
      return home ? `the home of run ${home} is left` : null;
    }, 'every run is alive');

  const runtimesProbed = async (): Promise<Finding> => {
    const used = new Set(
      parts
        .patients()
        .flatMap(({ brand }) =>
          brand.tickets.inStates(['ready', 'in_progress', 'verifying']).map((t) => t.runtime),
        ),
    );
    for (const runtime of parts.runtimes) {
      if (!used.has(runtime.name)) continue;
      const probe = await runtime.probe();
      if (!probe.present)
        return { ok: false, detail: `${runtime.title} is in use and was not found: ${probe.detail}` };
    }
    return { ok: true, detail: `${plural(used.size, 'runtime')} in use, each found` };
  };

  const checks: readonly (() => Finding | Promise<Finding>)[] = [
    configuration,
    () => inEach(({ brand }) => trouble(brand.store.integrity()), 'store sound'),
    () => inEach(({ brand }) => trouble(chain(brand)), 'chain whole'),
    () =>
      inEach(
        ({ brand }) => brand.store.compareProjections().find((one) => !one.ok)?.detail ?? null,
        'projections equal a replay',
      ),
    exportsEqual,
    () => notBuilt('not built: three of the eight contracts exist'),
    contracts,
    () => notBuilt('not built: no tool hook is installed yet'),
    guardLive,
    sandboxLive,
    () => notBuilt('not built: sealed brands do not have their third layer yet'),
    repositories,
    () =>
      inEach(async ({ brand }) => {
        const [first] = await overdueCheckouts(brand, parts.now());
        return first ? `${first.folder} is overdue: ${first.reason}` : null;
      }, 'no overdue checkout'),
    () =>
      inEach(
        async ({ knowledge }) =>
          (await knowledge.lint()).find((issue) => issue.kind !== 'dead-link')?.message ?? null,
        'claims cited',
      ),
    () =>
      inEach(async ({ knowledge }) => {
        await knowledge.index.refresh();
        const [first] = await knowledge.index.differences();
        return first ? `${first} is not in the index as it is on disk` : null;
      }, 'index equals the files'),
    orphans,
    runtimesProbed,
    deadLetters,
    restores,
  ];

  const run = async (number: number, check: () => Finding | Promise<Finding>): Promise<CheckView> => {
    const began = performance.now();
    let found: Finding;
    try {
      found = await check();
    } catch (error) {
      found = {
        ok: false,
        detail: `the check did not run: ${error instanceof Error ? error.message : String(error)}`,
      };
    }
    return {
      number,
      title: CHECK_TITLES[number - 1] ?? '',
      ok: found.ok,
      detail: found.detail,
      ms: Math.round(performance.now() - began),
      built: found.built ?? true,
    };
  };

  return {
    async examine() {
      const views: CheckView[] = [];
      for (const [index, check] of checks.entries()) views.push(await run(index + 1, check));
      return grade(views);
    },
    async atGate(brand) {
      const config = readBrandConfig(brandPlaces(places, brand.id).config);
      if (!config.ok) return { ok: false, detail: config.failure.message };
      const contract = contracts();
      if (!contract.ok) return contract;
      const probe = await parts.sandbox.probe();
      if (!probe.available) return { ok: false, detail: probe.message };
      return { ok: true, detail: 'configuration, contracts and sandbox hold' };
    },
  };
}

/** What was merged last into a repository. */
function lastMerge(brand: Brand, repository: string): { commit: string } | null {
  const merged = brand.tickets.inStates(['merged']).filter((ticket) => ticket.repository === repository);
  merged.sort((a, b) => (a.endedAt ?? '').localeCompare(b.endedAt ?? ''));
  return merged.at(-1)?.merged ?? null;
}

function trouble(found: { ok: boolean; detail: string }): string | null {
  return found.ok ? null : found.detail;
}

function chain(brand: Brand): { ok: boolean; detail: string } {
  const verified = brand.store.verifyChain();
  return verified.ok
    ? { ok: true, detail: '' }
    : { ok: false, detail: `at position ${verified.position}: ${verified.detail}` };
}
