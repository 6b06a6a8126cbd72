import { Play } from 'lucide-react';
import { useState } from 'react';
import type { PhaseView } from '../../../src-main/contract/start.ts';
import { capital, lasting, visibleLine } from '../../format.ts';
import { useKeys } from '../../keys.ts';
import { useLive } from '../../store.ts';
import { t } from '../../strings/en.ts';
import { Button } from '../../ui/button.tsx';
import { Failed } from '../../ui/said.tsx';
import { Section } from '../../ui/section.tsx';
import { StateMark } from '../../ui/state-mark.tsx';
import css from './day.module.css';
import { startDay, useStart } from './start.ts';

const numbers = [0, 1, 2, 3, 4, 5, 6, 7, 8] as const;

function Step({
  number,
  phase,
  chosen,
  onChoose,
}: {
  number: (typeof numbers)[number];
  phase: PhaseView | undefined;
  chosen: boolean;
  onChoose(): void;
}) {
  const name = phase === undefined ? t.day.phases[number] : visibleLine(phase.name);
  return (
    <li className={css.step} data-outcome={phase?.outcome ?? 'none'}>
      <button
        type="button"
        className={css.dot}
        aria-pressed={chosen}
        onClick={onChoose}
        disabled={phase === undefined}
      >
        <span className={css.mark}>
          {phase === undefined ? (
            <span className={css.number}>{number}</span>
          ) : (
            <StateMark state={phase.outcome} bare />
          )}
        </span>
        <span className={css.name} title={name}>
          {name}
        </span>
      </button>
    </li>
  );
}

/**
 * The nine phases, each with what it came to and why.
 *
 * @param first whether a start may be the one thing that this screen asks for
 */
export function Day({ first }: { first: boolean }) {
  const report = useLive((live) => live.start);
  const starting = useLive((live) => live.starting);
  const { asked, failure } = useStart();
  const [chosen, setChosen] = useState<number | null>(null);
  const busy = starting || asked;
  const run = () => void startDay();
  useKeys(t.nav.today, [{ key: 's', label: t.day.start, run, when: !busy }]);

  const phases = report?.phases ?? [];
  const shown =
    phases.find((phase) => phase.number === chosen) ??
    phases.find(
      (phase) => phase.outcome === 'running' || phase.outcome === 'failed' || phase.outcome === 'waiting',
    ) ??
    phases.at(-1);

  return (
    <Section
      title={t.day.title}
      aside={
        <Button
          kind={report === null && first ? 'primary' : 'plain'}
          shortcut="s"
          disabled={busy}
          onClick={run}
          icon={<Play size={16} strokeWidth={1.5} aria-hidden="true" />}
        >
          {busy ? t.day.running : t.day.start}
        </Button>
      }
    >
      {failure !== null && <Failed failure={failure} onRetry={run} />}
      <ol className={css.line} aria-label={t.day.line}>
        {numbers.map((number) => (
          <Step
            key={number}
            number={number}
            phase={phases.find((phase) => phase.number === number)}
            chosen={shown?.number === number}
            onChoose={() => setChosen(number)}
          />
        ))}
      </ol>
      <p className={css.reason}>
        {shown === undefined ? (
          t.day.never
        ) : (
          <>
            <StateMark state={shown.outcome} word={t.day.outcome(visibleLine(shown.name), shown.outcome)} />
            <span dir="auto">{capital(visibleLine(shown.reason))}</span>
            {shown.outcome === 'ran' && (
              <span className={css.quiet}>{t.day.took(lasting(shown.ms), shown.runs)}</span>
            )}
          </>
        )}
      </p>
      {(report?.blocked ?? []).map((each) => (
        <p key={each.id} className={css.reason}>
          <StateMark state="blocked" word={each.id} />
          <span dir="auto">{visibleLine(each.reason)}</span>
        </p>
      ))}
    </Section>
  );
}
