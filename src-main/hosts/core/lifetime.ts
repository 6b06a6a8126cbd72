import type { DoorNeed } from '../../contract/host-api.ts';

/** How long a core waits for the next door before it ends, in milliseconds. */
const idleAfter = 2_000;
/** How long a core that was just started waits for the door that started it, in milliseconds. */
const firstDoorWithin = 15_000;

/** Who is connected, and when nobody needs the core any more. */
export interface Lifetime {
  /** A door connected; call what comes back when it is gone. */
  enter(need: DoorNeed): () => void;
  /** Connected doors of a kind. */
  count(need: DoorNeed): number;
  /** Looks again: something that kept the core busy has ended. */
  settle(): void;
  stop(): void;
}

export interface LifetimeOptions {
  /** True while a run or anything else goes on that must not be cut off. */
  busy(): boolean;
  /** Nobody needs the core. */
  onUnneeded(): void;
  /** A door of this kind left and was the last of its kind. */
  onLast(need: DoorNeed): void;
}

/** Counts doors; the core is not needed when none is there and nothing runs. */
export function createLifetime(options: LifetimeOptions): Lifetime {
  const doors = new Map<DoorNeed, number>();
  const count = (need: DoorNeed): number => doors.get(need) ?? 0;
  const none = (): boolean => [...doors.values()].every((number) => number === 0);
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  const arm = (after: number): void => {
    clearTimeout(timer);
    if (stopped || !none()) return;
    timer = setTimeout(() => {
      if (stopped || !none() || options.busy()) return;
      stopped = true;
      options.onUnneeded();
    }, after);
  };
  arm(firstDoorWithin);

  return {
    count,
    enter(need) {
      clearTimeout(timer);
      doors.set(need, count(need) + 1);
      let left = false;
      return () => {
        if (left) return;
        left = true;
        doors.set(need, count(need) - 1);
        if (count(need) === 0) options.onLast(need);
        arm(idleAfter);
      };
    },
    settle: () => arm(idleAfter),
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
