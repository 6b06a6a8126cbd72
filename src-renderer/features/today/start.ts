import { create } from 'zustand';
import type { Failure } from '../../../src-main/contract/errors.ts';
import { commandId, failureOf, liveClient } from '../../connection.ts';
import { fold } from '../../feed.ts';
import { announce, useLive } from '../../store.ts';
import { t } from '../../strings/en.ts';

interface Start {
  asked: boolean;
  failure: Failure | null;
}

/** Whether this window asked for a start, and why one did not happen. */
export const useStart = create<Start>(() => ({ asked: false, failure: null }));

/** Runs the phases that are stale. What each came to arrives as it ends. */
export async function startDay(): Promise<void> {
  if (useStart.getState().asked || useLive.getState().starting) return;
  const client = liveClient();
  if (client === null) {
    useStart.setState({ failure: { code: 'core-unreachable', ...t.core.notSent } });
    return;
  }
  useStart.setState({ asked: true, failure: null });
  announce(t.day.began);
  try {
    for await (const report of await client.start({ commandId: commandId() })) {
      useLive.setState(fold(useLive.getState(), { kind: 'start', report, ended: false }));
    }
    announce(t.day.ended);
  } catch (error) {
    useStart.setState({ failure: failureOf(error).failure });
  }
  useLive.setState({ starting: false });
  useStart.setState({ asked: false });
}
