import type { Actor } from '../contract/events.ts';
import type { RunId } from '../contract/ids.ts';
import { costUsd } from '../domain/cost.ts';
import type { ModelUsage, RunGatewayOptions } from '../services/gateway/index.ts';
import type { RecordOfRun } from './run-recorder.ts';

/** What one run spends on models, in USD: each use is recorded as it comes, and past the cap there is no more. */
export interface Spending {
  budget: RunGatewayOptions['budget'];
  /** Records a use; gives back what it cost. */
  use(usage: ModelUsage): number;
  /** Whether the run itself has used anything. */
  hasUsed(): boolean;
}

/**
 * @param parts.of what the cap is for, as it is told: a ticket's id, "this terminal"
 * @param parts.spentUsd what counts against the cap already
 * @param parts.today the operator's local day
 */
export function createSpending(parts: {
  run: RunId;
  of: string;
  capUsd: number;
  spentUsd: number;
  record: RecordOfRun;
  actor: Actor;
  today(): string;
}): Spending {
  const { run, of, capUsd } = parts;
  let spent = parts.spentUsd;
  let used = false;
  return {
    budget: () =>
      spent < capUsd
        ? { allowed: true, reason: '' }
        : {
            allowed: false,
            reason: `The cost cap of ${capUsd.toFixed(2)} USD for ${of} is spent (${spent.toFixed(2)} USD).`,
          },
    use({ provider, model, inputTokens, outputTokens }) {
      const cost = costUsd(model, inputTokens, outputTokens);
      spent += cost;
      used = true;
      const data = { run, provider, model, inputTokens, outputTokens, costUsd: cost, day: parts.today() };
      parts.record(run, [{ type: 'run.used', data }], parts.actor);
      return cost;
    },
    hasUsed: () => used,
  };
}
