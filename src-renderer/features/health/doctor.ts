import { create } from 'zustand';
import type { Failure } from '../../../src-main/contract/errors.ts';
import { ask } from '../../connection.ts';
import { announce } from '../../store.ts';
import { t } from '../../strings/en.ts';

interface Asking {
  running: boolean;
  failure: Failure | null;
}

/** Whether this window has asked for an examination. What it found comes over the feed, as every other one does. */
export const useAsking = create<Asking>(() => ({ running: false, failure: null }));

/** Has everything examined; the last report stays until there is a newer one. */
export async function runDoctor(): Promise<void> {
  if (useAsking.getState().running) return;
  useAsking.setState({ running: true, failure: null });
  const answer = await ask((client) => client.doctor({}));
  useAsking.setState({ running: false, failure: answer.ok ? null : answer.failure });
  if (answer.ok) announce(t.health.said(answer.value.passed, answer.value.total));
}
