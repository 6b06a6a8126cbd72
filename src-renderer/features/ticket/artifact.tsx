import type { ArtifactView } from '../../../src-main/contract/tickets.ts';
import { lasting, visible } from '../../format.ts';
import { t } from '../../strings/en.ts';
import { StateMark } from '../../ui/state-mark.tsx';
import { Line } from '../../ui/text.tsx';
import css from './artifact.module.css';

interface Condition {
  name: string;
  outcome: 'pass' | 'fail' | 'unverified';
  detail: string;
  durationMs: number;
}

function conditionsOf(content: unknown): Condition[] | null {
  if (typeof content !== 'object' || content === null) return null;
  const { conditions } = content as Record<string, unknown>;
  if (!Array.isArray(conditions)) return null;
  const read: Condition[] = [];
  for (const each of conditions as unknown[]) {
    if (typeof each !== 'object' || each === null) return null;
    const { name, outcome, detail, durationMs } = each as Record<string, unknown>;
    if (typeof name !== 'string' || typeof detail !== 'string' || typeof durationMs !== 'number') return null;
    if (outcome !== 'pass' && outcome !== 'fail' && outcome !== 'unverified') return null;
    read.push({ name, outcome, detail, durationMs });
  }
  return read;
}

/** A result, a verdict or a gate report: a gate's conditions as a list, anything else as it was written. */
export function Artifact({ artifact }: { artifact: ArtifactView }) {
  const conditions = artifact.name === 'gate-report' ? conditionsOf(artifact.content) : null;
  if (conditions === null) {
    return (
      <pre className={css.raw} tabIndex={0} aria-label={t.ticket.artifacts[artifact.name](artifact.version)}>
        {visible(JSON.stringify(artifact.content, null, 2) ?? '')}
      </pre>
    );
  }
  return (
    <ul className={css.conditions}>
      {conditions.map((condition, index) => (
        <li key={index} className={css.condition}>
          <StateMark state={condition.outcome} />
          <Line text={condition.name} />
          <span className={css.detail}>
            <Line text={condition.detail} />
          </span>
          <span className={css.detail}>{lasting(condition.durationMs)}</span>
        </li>
      ))}
    </ul>
  );
}
