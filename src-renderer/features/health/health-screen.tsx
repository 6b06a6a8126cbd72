import { useState } from 'react';
import { count, lasting, visibleLine } from '../../format.ts';
import { useKeys } from '../../keys.ts';
import { useQuery } from '../../query.ts';
import { useLive } from '../../store.ts';
import { t } from '../../strings/en.ts';
import { Button } from '../../ui/button.tsx';
import { Empty, Failed, Loaded, Skeleton } from '../../ui/said.tsx';
import { Section } from '../../ui/section.tsx';
import { StateMark } from '../../ui/state-mark.tsx';
import { Choice } from '../../ui/tabs.tsx';
import { Ago, Line, Money } from '../../ui/text.tsx';
import { Page } from '../frame/page.tsx';
import { runDoctor, useDoctor } from './doctor.ts';
import css from './health.module.css';

type By = 'day' | 'model' | 'brand';

function Cost() {
  const [by, setBy] = useState<By>('day');
  // Runs change while they live; a cost is asked for again when one of them ends.
  const ended = useLive((live) => Object.values(live.runs).filter((run) => run.endedAt !== null).length);
  const query = useQuery(`cost/${by}`, ended, (client) => client.cost({ by }));
  const options = (['day', 'model', 'brand'] as const).map((value) => ({ value, title: t.cost.by[value] }));
  return (
    <Section
      title={t.cost.title}
      aside={<Choice label={t.cost.groupedBy} options={options} value={by} onChoose={setBy} />}
    >
      <Loaded query={query}>
        {(report) =>
          report.rows.length === 0 ? (
            <Empty title={t.cost.none} />
          ) : (
            <table className={css.table}>
              <thead>
                <tr>
                  <th scope="col">{t.cost.by[by]}</th>
                  <th scope="col">{t.cost.input}</th>
                  <th scope="col">{t.cost.output}</th>
                  <th scope="col">{t.cost.cost}</th>
                </tr>
              </thead>
              <tbody>
                {report.rows.map((row) => (
                  <tr key={row.key}>
                    <td>{visibleLine(row.key)}</td>
                    <td>{count(row.inputTokens)}</td>
                    <td>{count(row.outputTokens)}</td>
                    <td>
                      <Money usd={row.costUsd} />
                    </td>
                  </tr>
                ))}
              </tbody>
              <tfoot>
                <tr>
                  <th scope="row" colSpan={3}>
                    {t.cost.total}
                  </th>
                  <td>
                    <Money usd={report.total} />
                  </td>
                </tr>
              </tfoot>
            </table>
          )
        }
      </Loaded>
    </Section>
  );
}

/** The doctor's checks, each with what it proved, and what the work cost. */
export function HealthScreen() {
  const { report, at, running, failure } = useDoctor();
  const run = () => void runDoctor();
  useKeys(t.nav.health, [{ key: 'r', label: t.health.run, run, when: !running }]);
  const button = (
    <Button shortcut="r" onClick={run} disabled={running}>
      {running ? t.health.running : t.health.run}
    </Button>
  );
  const aside = (
    <span className={css.aside}>
      {report !== null && at !== null && (
        <span>
          {t.health.grade(report.grade, report.passed, report.total)} · <Ago at={at} />
        </span>
      )}
      {report !== null && button}
    </span>
  );
  return (
    <Page title={t.nav.health}>
      <Section title={t.health.checks} aside={aside}>
        {failure !== null && <Failed failure={failure} onRetry={run} />}
        {report === null && running && <Skeleton rows={19} />}
        {report === null && !running && (
          <Empty title={t.health.notRun} action={button}>
            {t.health.purpose}
          </Empty>
        )}
        {report !== null && (
          <ol className={css.checks}>
            {report.checks.map((check) => (
              <li key={check.number} className={css.check}>
                <span className={css.number}>{check.number}</span>
                <StateMark
                  state={!check.built ? 'not-run' : check.ok ? 'passed' : 'failed'}
                  word={!check.built ? t.health.notBuilt : check.ok ? t.health.passed : t.health.failed}
                />
                <div className={css.text}>
                  <Line text={check.title} />
                  <span className={css.detail}>
                    <Line text={check.detail} />
                  </span>
                </div>
                <span className={css.detail}>{lasting(check.ms)}</span>
              </li>
            ))}
          </ol>
        )}
      </Section>
      <Cost />
    </Page>
  );
}
