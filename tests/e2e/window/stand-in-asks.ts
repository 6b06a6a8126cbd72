import { fail, ok, type Result } from '../../../src-main/contract/errors.ts';
import type { AskView } from '../../../src-main/contract/guard.ts';
import type { WaitingItem } from '../../../src-main/contract/waiting.ts';
import { waitingOfAsk } from '../../../src-main/app/waiting.ts';

/** Questions of the guard in the stand-in core. */
export interface StandInAsks {
  list(): AskView[];
  /** Those that wait for the operator. */
  waiting(): WaitingItem[];
  /** Puts one in the place of what was there. */
  put(value: AskView): void;
  answer(given: { id: string; decision: 'allow' | 'deny'; note: string }): Result<AskView>;
}

export function standInAsks(changed: (brand: AskView['brand']) => void): StandInAsks {
  const asks = new Map<string, AskView>();
  const put = (value: AskView) => {
    asks.set(value.id, value);
    changed(value.brand);
  };
  return {
    list: () => [...asks.values()],
    waiting: () =>
      [...asks.values()]
        .filter(({ state }) => state === 'open')
        .map((each) => waitingOfAsk(each.brand, each, null)),
    put,
    answer({ id, decision, note }) {
      const known = asks.get(id);
      if (known?.state !== 'open') return fail('refused-transition', `${id} waits no longer.`);
      const answered = { ...known, state: decision === 'allow' ? 'allowed' : 'denied', note } as const;
      put(answered);
      return ok(answered);
    },
  };
}
