import type { BrandId } from '../../contract/ids.ts';
import type { CheckView, DoctorReport } from '../../contract/doctor.ts';
import { CHECK_TITLES, grade } from '../../domain/doctor.ts';
import type { Brand } from '../brand.ts';
import type { Layers } from '../layers/layers.ts';
import { readHead } from '../ticket-lines.ts';
import type { Check, Checks, Examination, Finding, Patient } from './check.ts';
import { createLogProver, type LogProver } from './log-prover.ts';

/** The nineteen checks of a workspace and its brands. */
export interface Doctor {
  /** Everything anew; Atrium mends what is its own first. Examinations are made one after the other. */
  examine(brand?: BrandId): Promise<DoctorReport>;
  /** What changed since the last full proof, which is made first where there is none from the last day. */
  current(brand?: BrandId): Promise<DoctorReport>;
  /** What the gate asks: grade A for the workspace and this brand. */
  atGate(brand: Brand): Promise<{ ok: boolean; detail: string }>;
  /** Resolves when nothing is examined any more. */
  close(): Promise<void>;
}

export interface DoctorParts {
  checks: Checks;
  patients(): Patient[];
  /** Brands that could not be opened, each with why: the whole workspace is no A then, and the others' gates go on. */
  closed(): readonly { id: BrandId; reason: string }[];
  appRoot: string;
  workspaceLog: string;
  layers: Pick<Layers, 'prove'>;
  /** Puts right what is Atrium's own; says each thing in a sentence. */
  mend(patients: readonly Patient[]): Promise<string[]>;
  /** What the operator did, a sentence each. */
  note(patients: readonly Patient[]): Promise<string[]>;
  now(): Date;
  /** An examination of the whole workspace has ended. */
  onExamined(report: DoctorReport): void;
}

/** What is known of one check of the workspace ('') or of one brand. */
interface Proof {
  finding: Finding;
  mark: string | null;
  at: Date;
  ms: number;
}

const DAY_MS = 24 * 3_600_000;

export function createDoctor(parts: DoctorParts): Doctor {
  const { checks } = parts;
  const proofs = new Map<string, Proof>();
  /** When everything of the workspace ('') or of a brand was last proved. */
  const provedAt = new Map<string, Date>();
  const provers = new Set<LogProver>();
  let turn: Promise<unknown> = Promise.resolve();
  let closed = false;

  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const next = turn.then(work, work);
    turn = next.catch(() => undefined);
    return next;
  };
  const chosen = (brand: BrandId | undefined) =>
    parts.patients().filter((patient) => brand === undefined || patient.brand.id === brand);

  const proveOne = async <Of>(
    check: Check<Of>,
    scope: string,
    of: Of,
    prove: (mark: string | null) => Finding | Promise<Finding>,
  ): Promise<void> => {
    const began = performance.now();
    let mark: string | null = null;
    let finding: Finding;
    try {
      mark = await check.mark(of);
      finding = await prove(mark);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      finding = { ok: false, detail: `the check did not run: ${why}` };
    }
    const ms = Math.round(performance.now() - began);
    proofs.set(keyOf(check.number, scope), { finding, mark, at: parts.now(), ms });
  };

  const proveAll = <Of>(list: readonly Check<Of>[], scope: string, of: Of, examination: Examination) =>
    Promise.all(list.map((check) => proveOne(check, scope, of, () => check.prove(of, examination))));

  /** Proves what changed; a proof that holds stands while its mark is the same. */
  const proveChanged = async <Of>(
    list: readonly Check<Of>[],
    scope: string,
    of: Of,
    examination: Examination,
  ): Promise<void> => {
    for (const check of list) {
      const before = proofs.get(keyOf(check.number, scope));
      if (!before?.finding.ok || before.mark === null) {
        await proveOne(check, scope, of, () => check.prove(of, examination));
        continue;
      }
      const { mark: then } = before;
      const now = await Promise.resolve(check.mark(of)).catch(() => null);
      if (now === then) continue;
      await proveOne(check, scope, of, () =>
        check.proveSince ? check.proveSince(of, then) : check.prove(of, examination),
      );
    }
  };

  const isFresh = (scope: string): boolean => {
    const at = provedAt.get(scope);
    return at !== undefined && Math.abs(parts.now().getTime() - at.getTime()) < DAY_MS;
  };

  const withExamination = async <T>(
    patients: readonly Patient[],
    work: (examination: Examination) => Promise<T>,
  ): Promise<T> => {
    const { examination, prover } = createExamination(patients, parts);
    provers.add(prover);
    try {
      return await work(examination);
    } finally {
      provers.delete(prover);
      await prover.close();
    }
  };

  const examineWhole = async (patients: readonly Patient[], examination: Examination): Promise<void> => {
    const whole = proveAll(checks.workspace, '', null, examination);
    // One brand after the other: each brings a sandbox and git processes of its own.
    for (const patient of patients) {
      await proveAll(checks.brand, patient.brand.id, patient, examination);
      provedAt.set(patient.brand.id, parts.now());
    }
    await whole;
    provedAt.set('', parts.now());
  };

  /** Check 1 where a brand could not be opened. */
  const withShut = (views: CheckView[], shut: ReturnType<DoctorParts['closed']>): CheckView[] => {
    if (shut.length === 0) return views;
    const detail = shut.map(({ id, reason }) => `brand ${id} is closed: ${reason}`).join('; ');
    return views.map((view) => (view.number === 1 ? { ...view, ok: false, detail } : view));
  };

  /** @param brand undefined for the whole workspace, which is no A where a brand could not be opened */
  const reportOf = (
    patients: readonly Patient[],
    brand: BrandId | undefined,
    mended: string[],
    noted: string[],
  ): DoctorReport => {
    const shut = brand === undefined ? parts.closed() : [];
    const views = CHECK_TITLES.map((title, index): CheckView => {
      const number = index + 1;
      const scopes = ['', ...patients.map(({ brand }) => brand.id as string)];
      const found = scopes.flatMap((scope) => {
        const proof = proofs.get(keyOf(number, scope));
        return proof ? [{ scope, proof }] : [];
      });
      const bad = found.find(({ proof }) => !proof.finding.ok);
      const said = (bad ? [bad] : found).map(({ scope, proof }) =>
        scope === '' ? proof.finding.detail : `${scope}: ${proof.finding.detail}`,
      );
      const oldest = found.reduce((at, { proof }) => (proof.at < at ? proof.at : at), parts.now());
      return {
        number,
        title,
        ok: bad === undefined && isWhole(number, found.length, patients.length),
        detail: said.join('; ') || 'there is no brand to prove it in yet',
        ms: found.reduce((sum, { proof }) => sum + proof.ms, 0),
        built: true,
        at: oldest.toISOString(),
      };
    });
    const deviations = [...proofs].flatMap(([key, { finding }]) => {
      const [number, scope] = splitKey(key);
      const of = patients.find((patient) => patient.brand.id === scope)?.brand.id ?? null;
      return finding.ok || (scope !== '' && of === null)
        ? []
        : [{ number, brand: of, detail: finding.detail }];
    });
    for (const { id } of shut) deviations.push({ number: 1, brand: null, detail: `brand ${id} is closed` });
    return { ...grade(withShut(views, shut)), deviations, at: parts.now().toISOString(), mended, noted };
  };

  /** Whether every part that a check has was proved: nothing that is missing has passed. */
  const isWhole = (number: number, found: number, brands: number): boolean =>
    found ===
    checks.workspace.filter((check) => check.number === number).length +
      checks.brand.filter((check) => check.number === number).length * brands;

  const examine: Doctor['examine'] = (brand) =>
    inTurn(async () => {
      const patients = chosen(brand);
      return withExamination(patients, async (examination) => {
        const mended = await parts.mend(patients);
        await examineWhole(patients, examination);
        const report = reportOf(patients, brand, mended, await parts.note(patients));
        if (brand === undefined && !closed) parts.onExamined(report);
        return report;
      });
    });

  const current: Doctor['current'] = async (brand) => {
    const patients = chosen(brand);
    if (!['', ...patients.map((patient) => patient.brand.id as string)].every(isFresh)) return examine(brand);
    return inTurn(() =>
      withExamination(patients, async (examination) => {
        await proveChanged(checks.workspace, '', null, examination);
        for (const patient of patients)
          await proveChanged(checks.brand, patient.brand.id, patient, examination);
        return reportOf(patients, brand, [], []);
      }),
    );
  };

  return {
    examine,
    current,
    async atGate(brand) {
      const report = await current(brand.id);
      const bad = report.checks.filter((check) => !check.ok);
      return bad.length === 0
        ? {
            ok: true,
            detail: `grade A: ${report.passed} of ${report.total} hold for the workspace and ${brand.id}`,
          }
        : {
            ok: false,
            detail: `the doctor's grade is ${report.grade}: ${bad.map((check) => `check ${check.number}, ${check.detail}`).join('; ')}`,
          };
    },
    async close() {
      closed = true;
      await Promise.all([...provers].map((prover) => prover.close()));
      await turn;
    },
  };
}

function keyOf(number: number, scope: string): string {
  return `${number} ${scope}`;
}

function splitKey(key: string): [number, string] {
  const [number, scope] = key.split(' ');
  return [Number(number), scope ?? ''];
}

/** The position that each export names is read before anything is mended: a log that was cut shows against it. */
function createExamination(
  patients: readonly Patient[],
  parts: Pick<DoctorParts, 'appRoot' | 'workspaceLog' | 'layers'>,
): { examination: Examination; prover: LogProver } {
  const prover = createLogProver(parts.appRoot);
  const anchors = new Map(patients.map(({ brand }) => [brand.id, readHead(brand.places.tickets)]));
  const logs = new Map<BrandId, ReturnType<LogProver['brand']>>();
  const layers = new Map<BrandId, ReturnType<Layers['prove']>>();
  let workspace: ReturnType<LogProver['workspace']> | undefined;
  return {
    prover,
    examination: {
      log({ brand, exporter }) {
        const known = logs.get(brand.id);
        if (known) return known;
        const anchor = anchors.get(brand.id) ?? null;
        const exported = exporter.read();
        const proof = prover.brand({ kind: 'brand', file: brand.places.log, exported, anchor });
        logs.set(brand.id, proof);
        return proof;
      },
      async layer({ brand }, name) {
        const proof = layers.get(brand.id) ?? parts.layers.prove(brand);
        layers.set(brand.id, proof);
        const found = (await proof).layers.find(({ layer }) => layer === name);
        return found ?? { layer: name, live: false, detail: 'its proof did not run', canaries: [] };
      },
      workspaceLog: () => (workspace ??= prover.workspace({ kind: 'workspace', file: parts.workspaceLog })),
    },
  };
}
