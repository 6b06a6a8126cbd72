import { useState } from 'react';
import type { DecisionEntry } from '../../../src-main/contract/guard.ts';
import { visibleLine } from '../../format.ts';
import { useQuery } from '../../query.ts';
import { useLive } from '../../store.ts';
import { t } from '../../strings/en.ts';
import { Button } from '../../ui/button.tsx';
import { Empty, Loaded } from '../../ui/said.tsx';
import { Section } from '../../ui/section.tsx';
import { StateMark } from '../../ui/state-mark.tsx';
import { Choice } from '../../ui/tabs.tsx';
import { Ago, Line } from '../../ui/text.tsx';
import css from './guard-decisions.module.css';

type Shown = 'deny' | 'ask' | 'all';
const SHOWN = ['deny', 'ask', 'all'] as const;
const MARKS = { allow: 'passed', deny: 'blocked', ask: 'waiting' } as const;
/** So many rows at first; more only where they are wanted. */
const FEW = 20;
const MOST = 200;

function Row({ entry }: { entry: DecisionEntry }) {
  const what = entry.text || entry.paths.join(', ');
  return (
    <tr>
      <td>
        <Ago at={entry.at} />
      </td>
      <td>
        <StateMark state={MARKS[entry.decision]} word={t.guard.decision[entry.decision]} />
      </td>
      <td>
        <Line text={entry.moment === 'after' ? t.guard.after(entry.tool) : entry.tool} />
        {what !== '' && (
          <code className={css.what} title={visibleLine(what)}>
            {visibleLine(what)}
          </code>
        )}
      </td>
      <td className={css.why}>
        <Line text={entry.reason} />
        <span className={css.detail}>
          <Line text={t.guard.byRule(entry.rule, entry.level, entry.ticket ?? entry.brand)} />
        </span>
      </td>
      <td className={css.number}>{t.guard.took(entry.ms)}</td>
    </tr>
  );
}

/** What the guard decided about calls of runs: why, by which rule, and how long that took. */
export function GuardDecisions() {
  const [shown, setShown] = useState<Shown>('deny');
  const [limit, setLimit] = useState(FEW);
  // Each call that is denied or asked about is a line of the activity of its run; allowed ones follow when a run ends.
  const version = useLive((live) =>
    Object.values(live.runs)
      .map((run) => `${run.state}${run.reason}`)
      .join(),
  );
  const waiting = useLive((live) => live.waiting.length);
  const query = useQuery(`guard-log/${shown}/${limit}`, `${version} ${waiting}`, (client) =>
    client.guard.log({ limit, ...(shown === 'all' ? {} : { decision: shown }) }),
  );
  const options = SHOWN.map((value) => ({ value, title: t.guard.shown[value] }));
  return (
    <Section
      title={t.guard.title}
      aside={<Choice label={t.guard.show} options={options} value={shown} onChoose={setShown} />}
    >
      <Loaded query={query}>
        {(entries) =>
          entries.length === 0 ? (
            <Empty title={t.guard.none[shown]} />
          ) : (
            <>
              <table className={css.table}>
                <thead>
                  <tr>
                    <th scope="col">{t.guard.when}</th>
                    <th scope="col">{t.guard.decided}</th>
                    <th scope="col">{t.guard.call}</th>
                    <th scope="col">{t.guard.why}</th>
                    <th scope="col" className={css.number}>
                      {t.health.took}
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {entries.map((entry, index) => (
                    <Row key={`${entry.at} ${entry.run ?? ''} ${index}`} entry={entry} />
                  ))}
                </tbody>
              </table>
              {entries.length === limit && limit < MOST && (
                <Button onClick={() => setLimit(MOST)}>{t.guard.more}</Button>
              )}
            </>
          )
        }
      </Loaded>
    </Section>
  );
}
