import { join } from 'node:path';
import type { BrandId } from '../../contract/ids.ts';
import type { Failure } from '../../contract/errors.ts';
import type { DoctorReport } from '../../contract/doctor.ts';
import type { GitProgram } from '../../services/repositories/index.ts';
import type { Runtime } from '../../services/runtimes/index.ts';
import type { Sandbox } from '../../services/sandbox/index.ts';
import type { Calendar } from '../calendar.ts';
import { checkQuestion } from '../guard-check.ts';
import type { Layers } from '../layers/layers.ts';
import type { Places } from '../places.ts';
import type { Timer } from '../timer.ts';
import type { WorkspaceLog } from '../workspace-log.ts';
import type { Checks, Patient } from './check.ts';
import { scheduleDaily } from './daily.ts';
import { createDoctor, type Doctor } from './doctor.ts';
import { guardChecks } from './guard-checks.ts';
import { knowledgeChecks } from './knowledge-checks.ts';
import { mend } from './mending.ts';
import { note } from './notes.ts';
import { repositoryChecks } from './repository-checks.ts';
import { stateChecks } from './state-checks.ts';
import { wallChecks } from './wall-checks.ts';
import { workChecks } from './work-checks.ts';

export type { Doctor } from './doctor.ts';

/** The doctor of a workspace: the nineteen checks in one register, and the full examination once a day. */
export function openDoctor(parts: {
  places: Places;
  appRoot: string;
  log: WorkspaceLog;
  brands(): { open: Patient[]; closed: { id: BrandId; failure: Failure }[] };
  sandbox: Sandbox;
  layers: Layers;
  git: GitProgram;
  runtimes: readonly Runtime[];
  calendar: Calendar;
  timer: Timer;
  onExamined(report: DoctorReport): void;
  onFault(error: unknown, where?: string): void;
}): Doctor {
  const { places, log, sandbox, calendar } = parts;
  const now = () => calendar.now();
  const open = () => parts.brands().open;
  const onFault = (error: unknown) => parts.onFault(error, 'the doctor');
  const brandOf = (id: string) => open().find(({ brand }) => brand.id === id)?.brand;
  const groups: readonly Checks[] = [
    stateChecks({
      places,
      log: log.store,
    }),
    guardChecks({
      places,
      tools: join(parts.appRoot, 'resources', 'run'),
      sandbox,
      ask: (question) => checkQuestion(question, places, brandOf),
    }),
    wallChecks({ sandbox }),
    repositoryChecks({ git: parts.git, now }),
    knowledgeChecks(),
    workChecks({ sandbox, runtimes: parts.runtimes, now }),
  ];
  const doctor = createDoctor({
    checks: {
      workspace: groups.flatMap((group) => group.workspace),
      brand: groups.flatMap((group) => group.brand),
    },
    patients: open,
    closed: () => parts.brands().closed.map(({ id, failure }) => ({ id, reason: failure.message })),
    appRoot: parts.appRoot,
    workspaceLog: places.workspaceLog,
    layers: parts.layers,
    mend: (patients) => mend(patients, { sandbox, now, onFault }),
    note,
    now,
    onExamined: (report) => {
      log.record('doctor', [{ type: 'doctor.examined', data: { report } }], { kind: 'core', part: 'doctor' });
      parts.onExamined(report);
    },
  });
  const stopSchedule = scheduleDaily({
    timer: parts.timer,
    now,
    last: () => log.lastExamination()?.at ?? null,
    examine: () => doctor.examine(),
    onFault,
  });
  return {
    ...doctor,
    async close() {
      stopSchedule();
      await doctor.close();
    },
  };
}
