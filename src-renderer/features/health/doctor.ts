import { create } from 'zustand';
import type { Failure } from '../../../src-main/contract/errors.ts';
import type { DoctorReport } from '../../../src-main/contract/operator-api.ts';
import { ask } from '../../connection.ts';
import { announce } from '../../store.ts';
import { t } from '../../strings/en.ts';

interface Doctor {
  report: DoctorReport | null;
  at: string | null;
  running: boolean;
  failure: Failure | null;
}

/** The last examination of this window. */
export const useDoctor = create<Doctor>(() => ({ report: null, at: null, running: false, failure: null }));

/** Runs the checks; the last report stays until there is a newer one. */
export async function runDoctor(): Promise<void> {
  if (useDoctor.getState().running) return;
  useDoctor.setState({ running: true, failure: null });
  const answer = await ask((client) => client.doctor({}));
  if (answer.ok) {
    useDoctor.setState({ report: answer.value, at: new Date().toISOString(), running: false });
    announce(t.health.said(answer.value.passed, answer.value.total));
  } else useDoctor.setState({ running: false, failure: answer.failure });
}
