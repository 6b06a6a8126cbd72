import type { Timer } from '../timer.ts';

const DAY_MS = 24 * 3_600_000;
/** A core that has just begun has better to do. */
const SETTLED_MS = 5 * 60_000;

/**
 * Has everything examined a day after the last time. What it returns ends that.
 *
 * @param parts.last when the last examination ended, ISO 8601; null where there was none
 */
export function scheduleDaily(parts: {
  timer: Timer;
  now(): Date;
  last(): string | null;
  examine(): Promise<unknown>;
  onFault(error: unknown): void;
}): () => void {
  let cancel: () => void = () => undefined;
  let ended = false;
  const arm = () => {
    if (ended) return;
    const last = parts.last();
    const due = last === null ? 0 : Date.parse(last) + DAY_MS - parts.now().getTime();
    cancel = parts.timer.after(Math.min(Math.max(due, SETTLED_MS), DAY_MS), look);
  };
  const look = () => {
    const last = parts.last();
    if (last !== null && parts.now().getTime() - Date.parse(last) < DAY_MS) {
      arm();
      return;
    }
    void parts.examine().catch(parts.onFault).finally(arm);
  };
  arm();
  return () => {
    ended = true;
    cancel();
  };
}
