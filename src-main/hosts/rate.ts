/** A bucket of permissions that fills up again with time. */
export interface Rate {
  /** Takes one; false when there is none left. */
  take(): boolean;
}

/**
 * @param most how many at once
 * @param perSecond how many come back in a second
 * @param clock milliseconds of a clock that never goes back
 */
export function createRate(most: number, perSecond: number, clock: () => number): Rate {
  let left = most;
  let at = clock();
  return {
    take() {
      const now = clock();
      left = Math.min(most, left + ((now - at) / 1_000) * perSecond);
      at = now;
      if (left < 1) return false;
      left -= 1;
      return true;
    },
  };
}
