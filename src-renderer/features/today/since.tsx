import { useMemo } from 'react';
import type { ActivityLine } from '../../feed.ts';
import { useQuery } from '../../query.ts';
import { useLive } from '../../store.ts';
import { t } from '../../strings/en.ts';
import { BrandMark } from '../../ui/brand-mark.tsx';
import { Row, Rows } from '../../ui/list.tsx';
import { Empty, Loaded } from '../../ui/said.tsx';
import { Section } from '../../ui/section.tsx';
import { StateMark } from '../../ui/state-mark.tsx';
import { Ago, Line } from '../../ui/text.tsx';
import { outcomesOf } from './outcomes.ts';
import css from './today.module.css';

const outcomesOfBrand = 6;
/** How far back the log is asked for: most of its lines are no outcome. */
const linesAsked = 500;

function yesterday(today: string): string {
  const start = new Date(`${today}T00:00:00`);
  if (Number.isNaN(start.getTime())) return '';
  start.setDate(start.getDate() - 1);
  return start.toISOString();
}

/** What came while the window is open goes before what was asked for, once. */
export function joined(live: readonly ActivityLine[], asked: readonly ActivityLine[]): ActivityLine[] {
  const seen = new Set<number>();
  return [...live, ...asked]
    .filter((line) => (seen.has(line.position) ? false : seen.add(line.position)))
    .sort((a, b) => b.position - a.position);
}

function BrandSince({ brand, from }: { brand: string; from: string }) {
  const activity = useLive((live) => live.activity);
  const query = useQuery(`activity/${brand}`, 0, (client) => client.activity({ brand, limit: linesAsked }));
  const tickets = useLive((live) => live.tickets);
  const own = useMemo(() => activity.filter((line) => line.brand === brand), [activity, brand]);
  return (
    <div className={css.since}>
      <h3 className={css.sinceBrand}>
        <BrandMark id={brand} />
      </h3>
      <Loaded query={query} rows={1}>
        {(asked) => {
          const lines = joined(
            own,
            asked.map((line) => ({ ...line, brand })),
          ).filter((line) => line.at >= from);
          const outcomes = outcomesOf(lines, (id) => tickets[id]?.title ?? id);
          if (outcomes.length === 0) return <p className={css.still}>{t.today.noChange}</p>;
          return (
            <Rows label={t.today.sinceIn(brand)}>
              {outcomes.slice(0, outcomesOfBrand).map((outcome) => (
                <Row key={outcome.key} to={outcome.to} className={css.row}>
                  <span className={css.outcome}>
                    <StateMark state={outcome.state} word={outcome.word} />
                  </span>
                  <Line text={outcome.about} className={css.title} />
                  {outcome.why !== '' && <Line text={outcome.why} className={css.reason} />}
                  <Ago at={outcome.at} />
                </Row>
              ))}
              {outcomes.length > outcomesOfBrand && (
                <Row to={`/brand/${brand}/activity`}>
                  <span className={css.quiet}>{t.today.more(outcomes.length - outcomesOfBrand)}</span>
                </Row>
              )}
            </Rows>
          );
        }}
      </Loaded>
    </div>
  );
}

/** What changed since yesterday, by brand, in sentences, each with its link. */
export function Since() {
  const brands = useLive((live) => live.brands);
  const today = useLive((live) => live.workspace?.today ?? '');
  const from = yesterday(today);
  return (
    <Section title={t.today.since}>
      {brands.length === 0 && <Empty title={t.today.noChange} />}
      {brands
        .filter((brand) => brand.state === 'open')
        .map((brand) => (
          <BrandSince key={brand.id} brand={brand.id} from={from} />
        ))}
    </Section>
  );
}
