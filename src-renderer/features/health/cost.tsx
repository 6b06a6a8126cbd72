import { useState } from 'react';
import { count, visibleLine } from '../../format.ts';
import { useQuery } from '../../query.ts';
import { useLive } from '../../store.ts';
import { t } from '../../strings/en.ts';
import { Empty, Loaded } from '../../ui/said.tsx';
import { Section } from '../../ui/section.tsx';
import { Choice } from '../../ui/tabs.tsx';
import { Money } from '../../ui/text.tsx';
import css from './health.module.css';

type By = 'day' | 'model' | 'brand';

/** What the work cost, by day, model or brand. */
export function Cost() {
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
