/** Takes one token; false when none is left. */
export interface TokenBucket {
  take(): boolean;
}

/** A bucket of `size` tokens that refills by `perSecond`, full at first. A clock that is set back refills nothing. */
export function createTokenBucket(clock: { now(): number }, size: number, perSecond: number): TokenBucket {
  let tokens = size;
  let filledAt = clock.now();
  return {
    take() {
      const now = clock.now();
      tokens = Math.min(size, tokens + (Math.max(0, now - filledAt) / 1000) * perSecond);
      filledAt = now;
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
  };
}
