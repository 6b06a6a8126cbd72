/** Who keeps the time of what must end: tests move it by hand. */
export interface Timer {
  /** Milliseconds that only grow. */
  now(): number;
  /** Calls back after so many milliseconds; what it returns cancels that. */
  after(ms: number, fn: () => void): () => void;
}

export const systemTimer: Timer = {
  now: () => performance.now(),
  after(ms, fn) {
    const handle = setTimeout(fn, ms);
    return () => clearTimeout(handle);
  },
};
