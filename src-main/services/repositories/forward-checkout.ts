import { describeCheckout } from './checkout.ts';
import { FORWARD, inside, NOTHING_NEW, said } from './checkout-scripts.ts';
import { failure } from './fault.ts';
import type { RepositoryFailure } from './fault.ts';
import { requireObjectId } from './git.ts';
import { borrowing, prepareObjects } from './objects.ts';
import { readRecord, writeRecord } from './records.ts';
import { isDescendant } from './room.ts';
import type { Room } from './room.ts';

/** Whether a checkout was brought to a newer commit, and what every sandbox that uses it binds from then on. */
export interface Forwarded {
  ok: true;
  forwarded: boolean;
  baseObjects: string;
}

const TIMEOUT_MS = 300_000;
const OUTPUT_LIMIT = 1024 * 1024;

/**
 * Brings a checkout to a newer commit of the host where nothing of its own is lost by it: it is on its own branch, all of it is
 * committed, and the newer commit holds every commit of it. Else it stays as it is. What it ignores stays, too. A crash in between
 * is made good by the next call.
 */
export function forwardCheckout(
  room: Room,
  folder: string,
  commit: string,
): Promise<Forwarded | RepositoryFailure<'unknown-checkout' | 'unreadable-checkout'>> {
  requireObjectId(commit);
  // Nothing is swept meanwhile: for a moment the checkout rests on both commits.
  return borrowing(room, async () => {
    const record = await readRecord(room, folder);
    if (record === null)
      return failure('unknown-checkout', `${folder} is not a checkout of this repository.`);
    const stays: Forwarded = { ok: true, forwarded: false, baseObjects: record.baseObjects };
    const to = record.forward ?? commit;
    if (to === record.commit) return stays;
    let from = '';
    if (record.forward === undefined) {
      const state = await describeCheckout(room, folder);
      if (!state.ok) return state;
      if (state.dirty.length > 0 || state.branch !== record.branch) return stays;
      if (!(await isDescendant(room, to, state.head))) return stays;
      from = state.head;
    }
    const prepared = await prepareObjects(room, to);
    if (!prepared.complete) return stays;
    await writeRecord(room, { ...record, forward: to });
    const result = await room.sandboxed({
      checkout: folder,
      access: 'write',
      baseObjects: prepared.baseObjects,
      command: inside(room, FORWARD, [record.branch, from, to, prepared.shallow.join('\n')]),
      timeoutMs: TIMEOUT_MS,
      maxOutputBytes: OUTPUT_LIMIT,
    });
    if (result.outcome === 'exited' && result.code === NOTHING_NEW) {
      await writeRecord(room, record);
      return stays;
    }
    if (result.outcome !== 'exited' || result.code !== 0)
      return failure('unreadable-checkout', `${folder} cannot be brought to ${to}: ${said(result)}.`);
    const { baseObjects } = prepared;
    await writeRecord(room, { folder, commit: to, branch: record.branch, baseObjects });
    return { ok: true, forwarded: true, baseObjects };
  });
}
